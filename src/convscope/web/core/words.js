// The texts of the page in the reader's language, from the tables in words/.

import { DE } from "#web/words/de.js";
import { EN } from "#web/words/en.js";

/** @type {Record<string, Record<string, string>>} */
export const LANGUAGES = { en: EN, de: DE };

/** Whether the browser's language decides where the address does not: only once every view takes its texts from here. */
const AUTOMATIC = false;

let words = EN;

/**
 * The language of a reader.
 * @param {string} search of the address: "?lang=de"
 * @param {string} preferred the browser's language, such as "de-AT"
 * @param {boolean} [automatic] whether the browser's language counts
 * @returns {string} one of LANGUAGES; English for others
 */
export function language_of(search, preferred, automatic = AUTOMATIC) {
  const asked = new URLSearchParams(search).get("lang") ?? (automatic ? preferred : "");
  const language = asked.toLowerCase().split("-")[0];
  return Object.hasOwn(LANGUAGES, language) ? language : "en";
}

/**
 * Take the texts from now on from this table.
 * @param {string} language one of LANGUAGES
 */
export function use_language(language) {
  words = LANGUAGES[language] ?? EN;
}

/**
 * A text with its values.
 * @param {string} key
 * @param {Record<string, string|number>} [values] for each {name} in the text
 * @returns {string}
 * @throws {Error} There is no such text.
 */
export function word(key, values = {}) {
  const text = words[key] ?? EN[key];
  if (text === undefined) throw new Error(`Expected a key of words/en.js. Received: ${key}.`);
  return text.replace(/\{(\w+)\}/g, (mark, name) => (name in values ? String(values[name]) : mark));
}
