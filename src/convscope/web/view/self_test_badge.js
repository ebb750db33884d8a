// Whether the page computes what TensorFlow computes, in two words; a tap shows the sentence, and a failure shows it at once.

import { count } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/self_test.js").SelfTest} SelfTest */

/** @param {import("#web/core/session.js").Session} session */
export function self_test_badge({ bundle }) {
  const words = h("p", { class: "self-test-words small", id: "self-test-words", role: "status", hidden: true });
  const badge = h("button", { class: "self-test small", "aria-controls": "self-test-words", "aria-expanded": "false", onclick: () => toggle(words.hidden) }, word("test.running"));
  const element = h("div", { class: "proof", onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && toggle(false) }, badge, words);

  /** @param {boolean} open */
  function toggle(open) {
    words.hidden = !open;
    badge.setAttribute("aria-expanded", String(open));
  }
  return {
    element,
    /** @param {SelfTest|null} result null where the test itself failed */
    show(result) {
      const passed = Boolean(result?.passed);
      element.dataset.passed = badge.dataset.passed = String(passed);
      fill(badge, passed ? "✓" : "✗", h("span", { class: "self-test-name" }, ` ${word(passed ? "test.passed" : "test.failed")}`));
      words.textContent = sentence(result, bundle.reference.engine);
      if (!passed) toggle(true);
    },
  };
}

/** @param {SelfTest|null} result @param {string} engine */
function sentence(result, engine) {
  const difference = result && Math.max(result.logits, result.layers).toExponential(0);
  if (result?.passed) {
    return word("test.values", { count: count(result.values), images: result.images, engine, difference: difference ?? "" });
  }
  const reason = result ? word(result.worst ? "test.differ_most" : "test.differ", { engine, difference: difference ?? "", layer: result.worst ?? "" }) : word("test.broken");
  return word("test.distrust", { reason });
}
