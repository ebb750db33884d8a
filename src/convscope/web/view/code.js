// The Keras code that builds this network again, to read and to take along.

import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Lens} Lens */

/**
 * @param {HTMLElement} element
 * @param {Lens} lens
 */
export function mount(element, { bundle }) {
  const code = h("pre", { tabindex: 0, role: "region", "aria-label": "Keras code" }, h("code", {}, bundle.keras_source));
  const said = h("span", { class: "small soft", role: "status" });
  fill(element,
    h("div", { class: "about-code-head" }, h("h2", {}, "Show me the Keras code"), h("button", { onclick: copy }, "Copy"), said),
    h("p", { class: "small soft" }, "It builds exactly this network, untrained, and runs as it stands."),
    code);

  async function copy() {
    try {
      await navigator.clipboard.writeText(bundle.keras_source);
      said.textContent = "Copied.";
    } catch {
      // A page opened from disk may have no clipboard: the reader's own copy command always works.
      getSelection()?.selectAllChildren(code);
      code.focus();
      said.textContent = "Selected: now copy it with Ctrl+C or ⌘C.";
    }
  }

  return { update() {}, destroy() {} };
}
