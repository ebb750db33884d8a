// The language of the page: that of the address or of the browser, and a button for the other one.

import { language_of, use_language, word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";

/** Call before any text is shown. */
export function take_language() {
  const language = language_of(location.search, navigator.language);
  use_language(language);
  document.documentElement.lang = language;
}

/** Opens the page in the other language, with the same image and place. */
export function language_button() {
  const other = word("page.language_code");
  const title = word("page.language");
  return h("button", { class: "language small", lang: other, title, "aria-label": title, onclick: () => open_in(other) }, word("page.language_short"));
}

/** @param {string} language */
function open_in(language) {
  const address = new URL(location.href);
  address.searchParams.set("lang", language);
  location.replace(address);
}
