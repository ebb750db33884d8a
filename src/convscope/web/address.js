// What the query of the address asks for, and changes of it. Views ask for changes: they know no address.

import { language_of, LANGUAGES } from "#web/core/languages.js";
import { use_words } from "#web/core/words.js";

/** Takes the language of the address or of the browser, before any text is shown, and lets the button change it. */
export function take_language() {
  const language = language_of(location.search, navigator.language);
  use_words(LANGUAGES[language]);
  document.documentElement.lang = language;
  document.addEventListener("language", (event) => location.replace(address_with("lang", /** @type {CustomEvent} */ (event).detail)));
}

/** @param {string} name @returns {string|null} */
export const asked = (name) => new URLSearchParams(location.search).get(name);

/** Writes a parameter into the address, or removes it, without loading the page again. @param {string} name @param {string|null} value */
export function remember(name, value) {
  history.replaceState(null, "", address_with(name, value));
}

/** @param {string} name @param {string|null} value */
function address_with(name, value) {
  const address = new URL(location.href);
  if (value === null) address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  return address;
}
