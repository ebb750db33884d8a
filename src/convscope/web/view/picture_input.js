// Pictures from outside: chosen, taken with a camera, dropped anywhere on the page, or pasted.

import { word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";

/**
 * @param {HTMLElement} target marked by data-dropping while a file is dragged over the page
 * @param {(file: File) => void} read
 * @param {(text: string) => void} tell says what is wrong
 * @returns {{input: HTMLInputElement, choose: () => void, destroy: () => void}}
 */
export function picture_input(target, read, tell) {
  const input = h("input", { type: "file", accept: "image/*", class: "visually-hidden", id: "file", tabindex: -1, onchange: chosen });

  function chosen() {
    if (input.files?.[0]) read(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  }
  /** @param {DataTransfer|null} data @param {string} problem what to say without a file */
  function take(data, problem) {
    const files = [...(data?.files ?? [])];
    const file = files.find(({ type }) => type.startsWith("image/")) ?? files[0];
    if (file) read(file);
    else tell(word(problem));
  }
  /** Without this a browser leaves the page and opens the file. @param {DragEvent} event */
  function over(event) {
    event.preventDefault();
    target.dataset.dropping = "true";
  }
  /** @param {DragEvent} event */
  function drop(event) {
    event.preventDefault();
    delete target.dataset.dropping;
    take(event.dataTransfer, "pad.dropped");
  }
  /** @param {DragEvent} event */
  function leave(event) {
    if (event.relatedTarget === null) delete target.dataset.dropping;
  }
  /** @param {ClipboardEvent} event */
  function paste(event) {
    if (!event.clipboardData?.files.length) return; // text may belong elsewhere
    event.preventDefault();
    take(event.clipboardData, "pad.pasted");
  }
  const events = /** @type {[string, any][]} */ ([["dragenter", over], ["dragover", over], ["drop", drop], ["dragleave", leave], ["paste", paste]]);
  for (const [type, listener] of events) document.addEventListener(type, listener);
  return {
    input,
    choose: () => input.click(),
    destroy: () => events.forEach(([type, listener]) => document.removeEventListener(type, listener)),
  };
}
