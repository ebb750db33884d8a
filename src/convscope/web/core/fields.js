// A state as one table of fields that round-trips through the URL hash, and that tells its readers of changes.

/** @typedef {string|number} Value */
/** @typedef {{fallback: Value, read: (text: string) => Value|null}} Field `read` gives null for what makes no sense. */

/**
 * @template S
 * @typedef {{get: () => S, set: (patch: Partial<S>) => void, subscribe: (reader: (state: S, old: S) => void) => () => void}} Store
 */

/** Browsers take addresses of some million characters: a 480×480 photo in colour fits. */
const MAX_WORD = 1_000_000;

/**
 * One of some words.
 * @param {string[]} choices the first is the default, unless another is named
 * @param {string} [fallback]
 * @returns {Field}
 */
export function choice(choices, fallback = choices[0]) {
  return { fallback, read: (text) => (choices.includes(text) ? text : null) };
}

/**
 * A whole number.
 * @param {number} fallback
 * @param {number} [low]
 * @param {number} [high]
 * @returns {Field}
 */
export function whole(fallback, low = -1, high = 999_999) {
  return {
    fallback,
    read: (text) => (/^-?\d{1,6}$/.test(text) && Number(text) >= low && Number(text) <= high ? Number(text) : null),
  };
}

/**
 * A word of a certain shape; "" by default.
 * @param {RegExp} shape
 * @returns {Field}
 */
export function word(shape) {
  return { fallback: "", read: (value) => (shape.test(value) ? value : null) };
}

/**
 * Read a state from a URL hash; what is missing or makes no sense takes its default.
 * @param {Record<string, Field>} fields
 * @param {string} hash
 * @returns {Record<string, Value>}
 */
export function read_hash(fields, hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(Object.entries(fields).map(([name, { fallback, read }]) => {
    const value = given.get(name);
    return [name, (value === null ? null : read(value)) ?? fallback];
  }));
}

/**
 * Write a state as a URL hash; defaults are left out, and words that no browser would take in an address.
 * @param {Record<string, Field>} fields
 * @param {Record<string, Value>} state
 * @returns {string} "" or "#name=value&…"
 */
export function write_hash(fields, state) {
  const said = Object.keys(fields).filter((name) => state[name] !== fields[name].fallback && String(state[name]).length <= MAX_WORD);
  return said.length ? "#" + said.map((name) => `${name}=${encodeURIComponent(state[name])}`).join("&") : "";
}

/**
 * @template {object} S
 * @param {S} first
 * @returns {Store<S>}
 */
export function create_store(first) {
  let state = first;
  /** @type {Set<(state: S, old: S) => void>} */
  const readers = new Set();
  return {
    get: () => state,
    set(patch) {
      const old = state;
      state = { ...state, ...patch };
      const names = /** @type {(keyof S)[]} */ (Object.keys(state));
      if (names.some((name) => old[name] !== state[name])) readers.forEach((reader) => reader(state, old));
    },
    subscribe(reader) {
      readers.add(reader);
      return () => void readers.delete(reader);
    },
  };
}
