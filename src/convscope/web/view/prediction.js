// The prediction: the most likely class, and the probability of every class.

import { softmax } from "#web/core/activations.js";
import { percent } from "#web/core/scale.js";
import { has_ink } from "#web/core/session.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/state.js").State} State */

const SHOWN = 10;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const head = h("p", { class: "prediction-head", role: "status", "aria-live": "polite" });
  const note = h("p", { class: "small soft" });
  const bars = h("ol", { class: "prediction-bars" });
  fill(element, h("h2", {}, "Prediction"), head, note, bars);
  show(store.get());

  /** @param {State} state */
  function show(state) {
    if (!has_ink(session)) {
      fill(head, h("span", { class: "prediction-class" }, "No ink found"));
      note.textContent = bundle.preprocessing.fit === "mnist"
        ? "Preprocessing found nothing that could be a digit, so the network did not run."
        : "All pixels of the image are equal, so the network did not run.";
      fill(bars);
      return;
    }
    if (!session.activations) {
      fill(head, h("span", { class: "prediction-class" }, "–"));
      note.textContent = "No image yet: draw a digit or choose an image below.";
      fill(bars);
      return;
    }
    const probabilities = softmax(session.activations.logits, bundle.temperature);
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    fill(head, h("span", { class: "prediction-class" }, bundle.class_names[order[0]]), h("span", { class: "prediction-probability number" }, percent(probabilities[order[0]])));
    note.textContent = about(state, order[0]);
    const by_class = bundle.class_names.length <= SHOWN ? [...probabilities.keys()] : order.slice(0, SHOWN);
    fill(bars, by_class.map((k) => bar(k, probabilities[k], k === order[0])));
  }

  /** @param {number} k @param {number} probability @param {boolean} first */
  function bar(k, probability, first) {
    const width = `${(100 * probability).toFixed(2)}%`;
    return h("li", { class: first ? "prediction-bar first" : "prediction-bar" },
      h("span", { class: "prediction-name" }, bundle.class_names[k]),
      h("span", { class: "prediction-track" }, h("span", { class: "prediction-fill", style: `width:${width}` })),
      h("span", { class: "number small" }, percent(probability)));
  }

  /** @param {State} state @param {number} predicted */
  function about(state, predicted) {
    const entry = state.picture.startsWith("p") ? bundle.pictures.entries[Number(state.picture.slice(1))] : null;
    const off = state.off ? " Some filters are disabled." : "";
    if (!entry) return `Computed in your browser.${off}`;
    const where = `${bundle.pictures.part === "test" ? "Test" : "Validation"} image ${entry.index}${entry.name ? ` (${entry.name})` : ""}`;
    const label = bundle.class_names[entry.label];
    const verdict = entry.label === predicted ? "correct" : "wrong";
    return `${where}, label ${label}: ${verdict}.${entry.known_wrong ? " Its label is known to be wrong." : ""}${off}`;
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture !== old.picture || state.off !== old.off) show(state);
    },
    destroy() {},
  };
}
