// Keras code that builds this network.

import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */

/**
 * @param {HTMLElement} element
 * @param {Session} session
 */
export function mount(element, { bundle }) {
  const code = h("pre", { tabindex: 0, role: "region", "aria-label": word("code.title") }, h("code", {}, bundle.keras_source));
  const status = h("span", { class: "small soft", role: "status" });
  fill(element,
    h("div", { class: "about-code-head" }, h("h2", {}, word("code.title")), h("button", { onclick: copy }, word("code.copy")), status),
    h("p", { class: "small soft" }, word("code.about")),
    code);

  async function copy() {
    try {
      await navigator.clipboard.writeText(bundle.keras_source);
      status.textContent = word("code.copied");
    } catch {
      // A page opened from disk may have no clipboard access; selecting always works.
      getSelection()?.selectAllChildren(code);
      code.focus();
      status.textContent = word("code.selected");
    }
  }

  return { update() {}, destroy() {} };
}
