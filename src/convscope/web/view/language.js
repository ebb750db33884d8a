// The language of the page: that of the address or of the browser, and a button for the other one.

import { language_of, LANGUAGES } from "#web/core/languages.js";
import { use_words, word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";

/** Call before any text is shown. */
export function take_language() {
  const language = language_of(location.search, navigator.language);
  use_words(LANGUAGES[language]);
  document.documentElement.lang = language;
}

/** Opens the page in the other language, with the same image and place. */
export function language_button() {
  const other = word("page.language_code");
  const [short, title] = [word("page.language_short"), word("page.language")];
  return h("button", { class: "language small", lang: other, title, "aria-label": `${short}: ${title}`, onclick: () => open_in(other) }, short);
}

/** @param {string} language */
function open_in(language) {
  const address = new URL(location.href);
  address.searchParams.set("lang", language);
  location.replace(address);
}
