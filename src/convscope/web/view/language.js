// The button for the other language of the page.

import { word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";

/** Asks for the page in the other language, with the same image and place. */
export function language_button() {
  const other = word("page.language_code");
  const [short, title] = [word("page.language_short"), word("page.language")];
  const ask = () => document.dispatchEvent(new CustomEvent("language", { detail: other }));
  return h("button", { class: "language small", lang: other, title, "aria-label": `${short}: ${title}`, onclick: ask }, short);
}
