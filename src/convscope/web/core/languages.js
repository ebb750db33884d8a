// The languages of the page: one table of texts for each.

import { DE } from "#web/words/de.js";
import { EN } from "#web/words/en.js";

/** @type {Record<string, Record<string, string>>} */
export const LANGUAGES = { en: EN, de: DE };

/**
 * The language of a reader.
 * @param {string} search of the address: "?lang=de"
 * @param {string} preferred the browser's language, such as "de-AT"
 * @returns {string} one of LANGUAGES; English for others
 */
export function language_of(search, preferred) {
  const asked = new URLSearchParams(search).get("lang") ?? preferred ?? "";
  const language = asked.toLowerCase().split("-")[0];
  return Object.hasOwn(LANGUAGES, language) ? language : "en";
}
