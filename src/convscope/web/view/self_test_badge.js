// Whether the page computes what TensorFlow computes, in two words; a tap shows the sentence, and a failure shows it at once.

import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/self_test.js").SelfTest} SelfTest */

/** @param {import("#web/core/session.js").Session} session */
export function self_test_badge({ bundle }) {
  const words = h("p", { class: "self-test-words small", id: "self-test-words", role: "status", hidden: true });
  const badge = h("button", { class: "self-test small", "aria-controls": "self-test-words", "aria-expanded": "false", onclick: () => toggle(words.hidden) }, "Self-test …");
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
      fill(badge, passed ? "✓" : "✗", h("span", { class: "self-test-name" }, passed ? " Self-test passed" : " Self-test failed"));
      words.textContent = sentence(result, bundle.reference.engine);
      if (!passed) toggle(true);
    },
  };
}

/** @param {SelfTest|null} result @param {string} engine */
function sentence(result, engine) {
  const difference = result && Math.max(result.logits, result.layers).toExponential(0);
  if (result?.passed) {
    return `${result.values.toLocaleString("en")} values of ${result.images} images differ from ${engine} by at most ${difference}.`;
  }
  const reason = result ? `Values differ from ${engine} by ${difference}${result.worst ? `, most in ${result.worst}` : ""}.` : "The values could not be compared.";
  return `Do not trust the values on this page. ${reason} Write the page again with: convscope open`;
}
