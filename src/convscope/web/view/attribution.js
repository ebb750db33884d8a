// Why this class: occlusion and gradient maps of its logit.

import { largest_magnitude } from "#web/core/scale.js";
import { gradient } from "#web/core/gradient.js";
import { to_image } from "#web/core/selected_image.js";
import { existing_off } from "#web/core/session.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { legend, paint_map } from "#web/view/feature_map.js";
import { on_theme } from "#web/view/theme.js";

/** @typedef {import("#web/core/state.js").State} State */

/** Keys of texts. */
const KINDS = /** @type {Record<string, {title: string, about: string, unit: string}>} */ ({
  occlusion: { title: "why.occlusion", about: "why.about_occlusion", unit: "why.unit_occlusion" },
  gradient: { title: "why.gradient", about: "why.about_gradient", unit: "why.unit_gradient" },
  none: { title: "why.none", about: "why.choose", unit: "" },
});
const NEGLIGIBLE = 1e-4;
const REST = 250; // milliseconds: an explanation waits until the pen rests

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const shape = bundle.network.input_shape;
  const method = h("select", { "aria-label": word("why.method"), onchange: () => store.set({ why: method.value }) },
    Object.entries(KINDS).map(([why, { title }]) => h("option", { value: why }, word(title))));
  const map = h("canvas", { class: "attribution-map", role: "img", "aria-label": word("why.map") });
  const title = h("h3", {});
  const about = h("p", { class: "small soft" });
  const scale = h("p", { class: "layer-scale small" });
  const picture = h("span", { class: "attribution-picture", style: `aspect-ratio:${shape[1]} / ${shape[0]}` }, map);
  fill(element, picture, h("div", { class: "attribution-text" }, h("div", { class: "attribution-head" }, title, method), about, scale));
  let turn = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const forget = on_theme(() => show(store.get()));
  show(store.get());

  /** @param {State} state */
  function show(state) {
    turn += 1;
    method.value = state.why;
    const { activations, selected } = session;
    picture.hidden = scale.hidden = state.why === "none" || !activations;
    if (picture.hidden) element.classList.remove("attribution-old");
    if (!activations || !selected) return fill(title, word("why.title")), fill(about, word("why.first"));
    const { logits } = activations;
    const k = state.target >= 0 && state.target < logits.length ? state.target : logits.indexOf(Math.max(...logits));
    fill(title, word("why.class", { name: bundle.class_names[k] }));
    title.title = bundle.class_names[k];
    fill(about, word(KINDS[state.why].about));
    if (state.why === "none") return;
    const off = existing_off(bundle, state.off);
    if (state.why === "gradient") paint(channel_sum(gradient(bundle.network, session.weights, activations, k, { off })), k, state.why);
    else void cover(to_image(selected, shape), k, off, turn);
  }

  /** In the worker, or a few patches at a time. @param {import("#web/core/bundle.js").Tensor} image @param {number} k @param {Record<string, number[]>} off @param {number} mine */
  async function cover(image, k, off, mine) {
    const side = Math.max(2, Math.round(Math.min(shape[0], shape[1]) / 7));
    const gray = bundle.preprocessing.fit === "mnist" ? 0 : 0.5;
    const found = await session.engine.occlusion(image, k, { off, patch: side, stride: Math.ceil(side / 2), fill: gray });
    if (found && mine === turn) paint(found.data, k, "occlusion");
  }

  /** @param {Float32Array} values @param {number} k @param {string} why */
  function paint(values, k, why) {
    const most = largest_magnitude(values);
    const name = bundle.class_names[k];
    element.classList.remove("attribution-old");
    if (!(most > NEGLIGIBLE)) {
      map.width = map.width; // clears the canvas
      map.setAttribute("aria-label", word("why.nothing", { name }));
      scale.textContent = word("why.nothing_long", { name, amount: NEGLIGIBLE });
      return;
    }
    paint_map(map, { shape: [shape[0], shape[1], 1], data: values }, 0, most);
    map.setAttribute("aria-label", word("why.label", { method: word(KINDS[why].title), name }));
    scale.title = word(KINDS[why].unit, { name });
    fill(scale, legend(most), h("span", { class: "visually-hidden" }, scale.title));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (["picture", "off", "why", "target"].every((key) => state[/** @type {keyof State} */ (key)] === old[/** @type {keyof State} */ (key)])) return;
      clearTimeout(timer);
      turn += 1;
      element.classList.add("attribution-old");
      if (state.picture !== old.picture && session.activations) timer = setTimeout(() => show(store.get()), REST);
      else show(state);
    },
    destroy() {
      turn += 1;
      clearTimeout(timer);
      forget();
    },
  };
}

/** The sum over the channels of each pixel. @param {import("#web/core/bundle.js").Tensor} tensor */
function channel_sum({ shape, data }) {
  const sums = new Float32Array(shape[0] * shape[1]);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / shape[2])] += data[i];
  return sums;
}
