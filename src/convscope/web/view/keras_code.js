// Keras code that builds this network.

import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */

/**
 * @param {HTMLElement} element
 * @param {Session} session
 */
export function mount(element, { bundle }) {
  const code = h("pre", { tabindex: 0, role: "region", "aria-label": "Keras code" }, h("code", {}, bundle.keras_source));
  const status = h("span", { class: "small soft", role: "status" });
  fill(element,
    h("div", { class: "about-code-head" }, h("h2", {}, "Keras code"), h("button", { onclick: copy }, "Copy"), status),
    h("p", { class: "small soft" }, "A complete script that builds this network, untrained."),
    code);

  async function copy() {
    try {
      await navigator.clipboard.writeText(bundle.keras_source);
      status.textContent = "Copied.";
    } catch {
      // A page opened from disk may have no clipboard access; selecting always works.
      getSelection()?.selectAllChildren(code);
      code.focus();
      status.textContent = "Selected: copy it with Ctrl+C or ⌘C.";
    }
  }

  return { update() {}, destroy() {} };
}
