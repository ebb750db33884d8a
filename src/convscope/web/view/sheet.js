// On a phone the dock is a sheet at the bottom of the screen: a tap on a map or on its handle raises it.

import { word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";

/** @param {HTMLElement} dock */
export function sheet(dock) {
  const handle = h("button", { class: "sheet-handle", "aria-expanded": "false", onclick: () => set(!dock.classList.contains("sheet-raised")) }, word("value.any"));
  /** @param {boolean} raised */
  function set(raised) {
    dock.classList.toggle("sheet-raised", raised);
    handle.setAttribute("aria-expanded", String(raised));
  }
  let start = 0;
  handle.addEventListener("pointerdown", (event) => void (start = event.clientY));
  handle.addEventListener("pointermove", (event) => {
    if (event.buttons && Math.abs(event.clientY - start) > 24) set(event.clientY < start);
  });
  dock.addEventListener("keydown", (event) => event.key === "Escape" && set(false));
  return { handle, raise: () => set(true) };
}
