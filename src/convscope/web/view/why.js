// Ask why: what of the picture speaks for a class, by covering it up or by the gradient, on logits.

import { reach } from "#web/core/scale.js";
import { gradient } from "#web/core/gradient.js";
import { occlusion } from "#web/core/occlusion.js";
import { to_image } from "#web/core/lens.js";
import { parse_off } from "#web/core/state.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { legend, paint_map } from "#web/view/map.js";

/** @typedef {import("#web/core/state.js").State} State */

const KINDS = /** @type {Record<string, {title: string, about: string, unit: string}>} */ ({
  none: { title: "Nothing", about: "", unit: "" },
  occlusion: {
    title: "Cover it up",
    about: "A small patch is covered, place by place. Orange: covering it lowers the score of the class, so it speaks for it. Blue: covering it raises the score.",
    unit: "change of the score (logit)",
  },
  gradient: {
    title: "Gradient",
    about: "Orange: making this pixel lighter raises the score of the class. Blue: it lowers it. A gradient says what a tiny change would do, not what the network looked at.",
    unit: "score (logit) per unit of brightness",
  },
});
const NOTHING = 1e-4;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/lens.js").Lens} lens
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, lens, store) {
  const { bundle } = lens;
  const shape = bundle.network.input_shape;
  const kinds = Object.entries(KINDS).map(([why, { title }]) => h("button", { "data-why": why, onclick: () => store.set({ why }) }, title));
  const subject = h("select", { id: "subject", onchange: () => store.set({ subject: Number(subject.value) }) },
    h("option", { value: -1 }, "the class it names"), bundle.class_names.map((name, k) => h("option", { value: k }, name)));
  const picture = h("canvas", { "aria-hidden": "true" });
  const map = h("canvas", { class: "why-map", role: "img" });
  const about = h("p", { class: "small" });
  const scale = h("p", { class: "layer-scale" });
  const maps = h("div", { class: "why-maps" }, picture, map);
  fill(element, h("h2", {}, "Ask why"),
    h("div", { class: "pad-buttons" }, h("span", { role: "group", "aria-label": "How to ask", class: "pad-buttons" }, kinds), h("label", { for: "subject", class: "small" }, "for"), subject),
    about, maps, scale);
  let turn = 0;
  show(store.get());

  /** @param {State} state */
  function show(state) {
    turn += 1;
    kinds.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.why === state.why)));
    subject.value = String(state.subject);
    const { about: text } = KINDS[state.why];
    maps.hidden = scale.hidden = state.why === "none" || !lens.activations;
    about.textContent = !lens.activations ? "Draw or choose a picture first." : text || "Choose how to ask.";
    if (maps.hidden || !lens.activations || !lens.seen) return;
    paint_bytes(picture, shape, lens.seen);
    const { logits } = lens.activations;
    const k = state.subject >= 0 && state.subject < logits.length ? state.subject : logits.indexOf(Math.max(...logits));
    const image = to_image(lens.seen, shape);
    const off = parse_off(state.off);
    if (state.why === "gradient") {
      paint(channel_sum(gradient(bundle.network, lens.weights, lens.activations, k, { off })), k, state.why);
    } else cover(image, k, off, turn);
  }

  /** A few patches a frame, so that nothing stutters. @param {import("#web/core/bundle.js").Tensor} image @param {number} k @param {Record<string, number[]>} off @param {number} mine */
  function cover(image, k, off, mine) {
    const side = Math.max(2, Math.round(Math.min(shape[0], shape[1]) / 7));
    const work = occlusion({ run: (covered) => lens.run(covered, off) }, image, k, { patch: side, stride: Math.ceil(side / 2), fill: bundle.preprocessing.fit === "mnist" ? 0 : 0.5 });
    scale.textContent = "Covering …";
    const some = () => {
      if (mine !== turn) return;
      const until = performance.now() + 10;
      for (;;) {
        const { done, value } = work.next();
        if (done) return paint(/** @type {any} */ (value).data, k, "occlusion");
        if (performance.now() > until) break;
      }
      requestAnimationFrame(some);
    };
    some();
  }

  /** @param {Float32Array} values @param {number} k @param {string} why */
  function paint(values, k, why) {
    const most = reach(values);
    const name = bundle.class_names[k];
    if (!(most > NOTHING)) {
      map.width = map.width; // which empties it
      map.setAttribute("aria-label", `No evidence for ${name}`);
      scale.textContent = `No evidence: nothing in this picture changes the score of ${name} by more than ${NOTHING}.`;
      return;
    }
    paint_map(map, { shape: [shape[0], shape[1], 1], data: values }, 0, most);
    map.setAttribute("aria-label", `What speaks for ${name} (orange) and against it (blue): ${KINDS[why].title}`);
    fill(scale, legend(most), h("span", { class: "small soft" }, `${KINDS[why].unit} of “${name}”`));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (["picture", "off", "why", "subject"].some((key) => state[/** @type {keyof State} */ (key)] !== old[/** @type {keyof State} */ (key)])) show(state);
    },
    destroy: () => void (turn += 1),
  };
}

/** The channels of a pixel change together. @param {import("#web/core/bundle.js").Tensor} tensor */
function channel_sum({ shape, data }) {
  const sums = new Float32Array(shape[0] * shape[1]);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / shape[2])] += data[i];
  return sums;
}
