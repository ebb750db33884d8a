// A state as a table of fields that round-trips through the URL hash, and a store that notifies its subscribers.

/** @typedef {string|number} Value */
/** @typedef {{fallback: Value, read: (text: string) => Value|null}} Field `read` gives null for an invalid value. */

/**
 * @template S
 * @typedef {{get: () => S, set: (patch: Partial<S>) => void, subscribe: (subscriber: (state: S, old: S) => void) => () => void}} Store
 */

/** Browsers accept addresses of about a million characters: a 480×480 photo in color fits. */
const MAX_LENGTH = 1_000_000;

/**
 * One of several words.
 * @param {string[]} choices
 * @param {string} [fallback] the default; the first choice unless given
 * @param {Record<string, string>} [aliases] old words that older links may hold
 * @returns {Field}
 */
export function choice(choices, fallback = choices[0], aliases = {}) {
  return { fallback, read: (text) => (choices.includes(text) ? text : Object.hasOwn(aliases, text) ? aliases[text] : null) };
}

/**
 * An integer.
 * @param {number} fallback
 * @param {number} [low]
 * @param {number} [high]
 * @returns {Field}
 */
export function integer(fallback, low = -1, high = 999_999) {
  return {
    fallback,
    read: (text) => (/^-?\d{1,6}$/.test(text) && Number(text) >= low && Number(text) <= high ? Number(text) : null),
  };
}

/**
 * A text that matches a pattern; "" by default.
 * @param {RegExp} shape
 * @returns {Field}
 */
export function pattern(shape) {
  return { fallback: "", read: (value) => (shape.test(value) ? value : null) };
}

/**
 * Read a state from a URL hash; missing or invalid fields take their defaults.
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
 * Write a state as a URL hash; defaults are omitted, and values too long for an address.
 * @param {Record<string, Field>} fields
 * @param {Record<string, Value>} state
 * @returns {string} "" or "#name=value&…"
 */
export function write_hash(fields, state) {
  const changed = Object.keys(fields).filter((name) => state[name] !== fields[name].fallback && String(state[name]).length <= MAX_LENGTH);
  return changed.length ? "#" + changed.map((name) => `${name}=${encodeURIComponent(state[name])}`).join("&") : "";
}

/**
 * @template {object} S
 * @param {S} first
 * @returns {Store<S>}
 */
export function create_store(first) {
  let state = first;
  /** @type {Set<(state: S, old: S) => void>} */
  const subscribers = new Set();
  return {
    get: () => state,
    set(patch) {
      const old = state;
      state = { ...state, ...patch };
      const names = /** @type {(keyof S)[]} */ (Object.keys(state));
      if (names.some((name) => old[name] !== state[name])) subscribers.forEach((subscriber) => subscriber(state, old));
    },
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => void subscribers.delete(subscriber);
    },
  };
}
