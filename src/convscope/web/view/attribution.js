// Explanations: occlusion and gradient maps of a class's logit.

import { largest_magnitude } from "#web/core/scale.js";
import { gradient } from "#web/core/gradient.js";
import { to_image } from "#web/core/session.js";
import { parse_off } from "#web/core/state.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { legend, paint_map } from "#web/view/feature_map.js";

/** @typedef {import("#web/core/state.js").State} State */

const KINDS = /** @type {Record<string, {title: string, about: string, unit: string}>} */ ({
  none: { title: "None", about: "", unit: "" },
  occlusion: {
    title: "Occlusion",
    about: "A small patch is moved over the image. Orange: covering the region lowers the logit of the class (evidence for it). Blue: covering it raises the logit (evidence against it).",
    unit: "decrease of the logit when covered",
  },
  gradient: {
    title: "Gradient",
    about: "Orange: a brighter pixel raises the logit of the class. Blue: a brighter pixel lowers it. A gradient describes the effect of small changes only.",
    unit: "change of the logit per unit of intensity",
  },
});
const NEGLIGIBLE = 1e-4;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const shape = bundle.network.input_shape;
  const kinds = Object.entries(KINDS).map(([why, { title }]) => h("button", { "data-why": why, onclick: () => store.set({ why }) }, title));
  const target = h("select", { id: "target", onchange: () => store.set({ target: Number(target.value) }) },
    h("option", { value: -1 }, "predicted class"), bundle.class_names.map((name, k) => h("option", { value: k }, name)));
  const picture = h("canvas", { "aria-hidden": "true" });
  const map = h("canvas", { class: "attribution-map", role: "img" });
  const about = h("p", { class: "small" });
  const scale = h("p", { class: "layer-scale" });
  const maps = h("div", { class: "attribution-maps" }, picture, map);
  fill(element, h("h2", {}, "Explanation"),
    h("div", { class: "pad-buttons" }, h("span", { role: "group", "aria-label": "Method", class: "pad-buttons" }, kinds), h("label", { for: "target", class: "small" }, "for"), target),
    about, maps, scale);
  let turn = 0;
  show(store.get());

  /** @param {State} state */
  function show(state) {
    turn += 1;
    kinds.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.why === state.why)));
    target.value = String(state.target);
    const { about: text } = KINDS[state.why];
    maps.hidden = scale.hidden = state.why === "none" || !session.activations;
    about.textContent = !session.activations ? "Draw a digit or choose an image first." : text || "Choose a method.";
    if (maps.hidden || !session.activations || !session.selected) return;
    paint_bytes(picture, shape, session.selected);
    const { logits } = session.activations;
    const k = state.target >= 0 && state.target < logits.length ? state.target : logits.indexOf(Math.max(...logits));
    const image = to_image(session.selected, shape);
    const off = parse_off(state.off);
    if (state.why === "gradient") {
      paint(channel_sum(gradient(bundle.network, session.weights, session.activations, k, { off })), k, state.why);
    } else void cover(image, k, off, turn);
  }

  /** In the worker, or a few patches at a time. @param {import("#web/core/bundle.js").Tensor} image @param {number} k @param {Record<string, number[]>} off @param {number} mine */
  async function cover(image, k, off, mine) {
    const side = Math.max(2, Math.round(Math.min(shape[0], shape[1]) / 7));
    scale.textContent = "Computing …";
    const fill = bundle.preprocessing.fit === "mnist" ? 0 : 0.5;
    const found = await session.engine.occlusion(image, k, { off, patch: side, stride: Math.ceil(side / 2), fill });
    if (found && mine === turn) paint(found.data, k, "occlusion");
  }

  /** @param {Float32Array} values @param {number} k @param {string} why */
  function paint(values, k, why) {
    const most = largest_magnitude(values);
    const name = bundle.class_names[k];
    if (!(most > NEGLIGIBLE)) {
      map.width = map.width; // clears the canvas
      map.setAttribute("aria-label", `No evidence for ${name}`);
      scale.textContent = `No evidence: nothing in this image changes the logit of ${name} by more than ${NEGLIGIBLE}.`;
      return;
    }
    paint_map(map, { shape: [shape[0], shape[1], 1], data: values }, 0, most);
    map.setAttribute("aria-label", `${KINDS[why].title}: evidence for ${name} (orange) and against it (blue)`);
    fill(scale, legend(most), h("span", { class: "small soft" }, `${KINDS[why].unit}, class ${name}`));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (["picture", "off", "why", "target"].some((key) => state[/** @type {keyof State} */ (key)] !== old[/** @type {keyof State} */ (key)])) show(state);
    },
    destroy: () => void (turn += 1),
  };
}

/** The sum over the channels of each pixel. @param {import("#web/core/bundle.js").Tensor} tensor */
function channel_sum({ shape, data }) {
  const sums = new Float32Array(shape[0] * shape[1]);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / shape[2])] += data[i];
  return sums;
}
