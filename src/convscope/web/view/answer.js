// What the network says of the picture: the class, and what it gives every other.

import { percent } from "#web/core/scale.js";
import { probabilities_at } from "#web/core/softmax.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/state.js").State} State */

const SHOWN = 10;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/lens.js").Lens} lens
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, lens, store) {
  const { bundle } = lens;
  const head = h("p", { class: "answer-head", role: "status", "aria-live": "polite" });
  const note = h("p", { class: "small soft" });
  const bars = h("ol", { class: "answer-bars" });
  fill(element, h("h2", {}, "It says"), head, note, bars);
  show(store.get());

  /** @param {State} state */
  function show(state) {
    if (!lens.activations) {
      fill(head, h("span", { class: "answer-class" }, "–"));
      note.textContent = "Nothing to look at yet: draw, or choose a picture below.";
      fill(bars);
      return;
    }
    const probabilities = probabilities_at(lens.activations.logits, bundle.temperature);
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    fill(head, h("span", { class: "answer-class" }, bundle.class_names[order[0]]), h("span", { class: "answer-share number" }, percent(probabilities[order[0]])));
    note.textContent = about(state, order[0]);
    const by_class = bundle.class_names.length <= SHOWN ? [...probabilities.keys()] : order.slice(0, SHOWN);
    fill(bars, by_class.map((k) => bar(k, probabilities[k], k === order[0])));
  }

  /** @param {number} k @param {number} share @param {boolean} first */
  function bar(k, share, first) {
    const width = `${(100 * share).toFixed(2)}%`;
    return h("li", { class: first ? "answer-bar first" : "answer-bar" },
      h("span", { class: "answer-name" }, bundle.class_names[k]),
      h("span", { class: "answer-track" }, h("span", { class: "answer-fill", style: `width:${width}` })),
      h("span", { class: "number small" }, percent(share)));
  }

  /** @param {State} state @param {number} said */
  function about(state, said) {
    const entry = state.picture.startsWith("p") ? bundle.pictures.entries[Number(state.picture.slice(1))] : null;
    const off = state.off ? " Some filters are switched off." : "";
    if (!entry) return `Computed in this page, as you draw.${off}`;
    const where = `${bundle.pictures.part === "test" ? "Test" : "Validation"} image ${entry.index}${entry.name ? ` (${entry.name})` : ""}`;
    const label = bundle.class_names[entry.label];
    const verdict = entry.label === said ? "right" : "wrong";
    return `${where}, labelled ${label}: ${verdict}.${entry.known_wrong ? " Its label is known to be wrong." : ""}${off}`;
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture !== old.picture || state.off !== old.off) show(state);
    },
    destroy() {},
  };
}
