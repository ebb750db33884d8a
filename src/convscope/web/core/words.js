// The texts of the page in the reader's language: English, until another table is given.

import { count, use_thousands } from "#web/core/scale.js";
import { EN } from "#web/words/en.js";

/** @type {Record<string, string>} */
const PARTS = { train: "part.train", validation: "part.validation", test: "part.test" };

let words = EN;

/**
 * Take the texts from now on from this table.
 * @param {Record<string, string>} table with the keys of words/en.js
 */
export function use_words(table) {
  words = table;
  use_thousands(word("number.thousands"));
}

/**
 * A text with its values.
 * @param {string} key
 * @param {Record<string, string|number>} [values] for each {name} in the text
 * @returns {string}
 * @throws {Error} There is no such text.
 */
export function word(key, values = {}) {
  return text_of(key).replace(/\{(\w+)\}/g, (mark, name) => (name in values ? String(values[name]) : mark));
}

/**
 * A text in parts, some of which are more than text.
 * @template T
 * @param {string} key
 * @param {Record<string, T|string>} values
 * @returns {(T|string)[]}
 * @throws {Error} There is no such text.
 */
export function word_parts(key, values) {
  return text_of(key).split(/\{(\w+)\}/).map((part, at) => (at % 2 ? values[part] : part));
}

/**
 * A number with its noun: "1 image", "2,000 images".
 * @param {string} key of the plural; that of the singular ends with ".one"
 * @param {number} n
 * @param {Record<string, string|number>} [values] others than {count}
 * @returns {string}
 */
export function counted(key, n, values = {}) {
  return word(n === 1 ? `${key}.one` : key, { count: count(n), ...values });
}

/**
 * What the part of a dataset is called.
 * @param {string} part train, validation or test
 * @returns {string}
 */
export function part_name(part) {
  return part in PARTS ? word(PARTS[part]) : part;
}

/**
 * The inputs of a layer that has several.
 * @param {string[]} names
 * @returns {string} "a and b"
 */
export function listed(names) {
  return names.length ? names.reduce((first, second) => word("and", { first, second })) : word("layer.inputs");
}

/** @param {string} key */
function text_of(key) {
  const text = words[key] ?? EN[key];
  if (text === undefined) throw new Error(`Expected a key of words/en.js. Received: ${key}.`);
  return text;
}
