// What the page shows, as one table of fields that round-trips through the URL hash: every view is a link.

/**
 * @typedef {object} State
 * @property {string} tab which of the three rooms is open: see, good, about
 * @property {string} picture "p12": entry 12 of the pictures; "d…": a drawing; "" for none
 * @property {number} layer position in the network; -1 is the picture itself
 * @property {number} channel of the layer's output
 * @property {number} row of the touched number; -1 for none
 * @property {number} column of the touched number; -1 for none
 * @property {string} why none, occlusion or gradient
 * @property {number} subject the class that is asked about; -1 is the predicted one
 * @property {string} off filters that are switched off: "conv2d:3.5,conv2d_1:0"
 * @property {string} cell the open cell of the confusion matrix: "4-9"; "" for none
 */

/** @typedef {{fallback: string|number, read: (text: string) => string|number|null}} Field */

/** @param {string[]} choices @returns {Field} */
const choice = (choices) => ({ fallback: choices[0], read: (text) => (choices.includes(text) ? text : null) });
/** @param {number} fallback @returns {Field} */
const whole = (fallback) => ({
  fallback,
  read: (text) => (/^-?\d{1,6}$/.test(text) && Number(text) >= -1 ? Number(text) : null),
});
/** @param {RegExp} shape @returns {Field} */
const text = (shape) => ({ fallback: "", read: (value) => (shape.test(value) ? value : null) });

/** @type {Record<keyof State, Field>} */
export const FIELDS = {
  tab: choice(["see", "good", "about"]),
  picture: text(/^(p\d{1,6}|d[\w-]+)?$/),
  layer: whole(0),
  channel: whole(0),
  row: whole(-1),
  column: whole(-1),
  why: choice(["none", "occlusion", "gradient"]),
  subject: whole(-1),
  off: text(/^([a-z0-9_]{1,60}:\d{1,5}(\.\d{1,5})*(,|$)){0,200}$/),
  cell: text(/^(\d{1,4}-\d{1,4})?$/),
};

/** Browsers take addresses of some million characters: a 480×480 photo in colour fits. */
const MAX_WORD = 1_000_000;

const NAMES = /** @type {(keyof State)[]} */ (Object.keys(FIELDS));

/**
 * Read a state from a URL hash; what is missing or makes no sense takes its default.
 * @param {string} hash
 * @returns {State}
 */
export function parse_hash(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const pairs = NAMES.map((name) => {
    const value = given.get(name);
    return [name, (value === null ? null : FIELDS[name].read(value)) ?? FIELDS[name].fallback];
  });
  const state = /** @type {State} */ (Object.fromEntries(pairs));
  return state.row < 0 || state.column < 0 ? { ...state, row: -1, column: -1 } : state;
}

/**
 * Write a state as a URL hash; defaults are left out, and a drawing that no browser would take in an address.
 * @param {State} state
 * @returns {string} "" or "#name=value&…"
 */
export function format_hash(state) {
  const said = NAMES.filter((name) => state[name] !== FIELDS[name].fallback && String(state[name]).length <= MAX_WORD);
  return said.length ? "#" + said.map((name) => `${name}=${encodeURIComponent(state[name])}`).join("&") : "";
}

/**
 * Filters that are switched off, by layer name.
 * @param {string} off State.off
 * @returns {Record<string, number[]>}
 */
export function parse_off(off) {
  const pairs = off.split(",").filter(Boolean).map((part) => part.split(":"));
  return Object.fromEntries(pairs.map(([name, list]) => [name, list.split(".").map(Number)]));
}

/**
 * The same text with one filter switched over.
 * @param {string} off State.off
 * @param {string} layer
 * @param {number} channel
 * @returns {string}
 */
export function toggle_off(off, layer, channel) {
  const now = parse_off(off);
  const list = now[layer] ?? [];
  now[layer] = list.includes(channel) ? list.filter((c) => c !== channel) : [...list, channel].sort((a, b) => a - b);
  return Object.entries(now)
    .filter(([, channels]) => channels.length)
    .map(([name, channels]) => `${name}:${channels.join(".")}`)
    .join(",");
}

/**
 * A state that tells its readers of changes.
 * @typedef {{get: () => State, set: (patch: Partial<State>) => void, subscribe: (reader: (state: State, old: State) => void) => () => void}} Store
 */

/**
 * @param {State} first
 * @returns {Store}
 */
export function create_store(first) {
  let state = first;
  /** @type {Set<(state: State, old: State) => void>} */
  const readers = new Set();
  return {
    get: () => state,
    set(patch) {
      const old = state;
      state = { ...state, ...patch };
      if (NAMES.some((name) => old[name] !== state[name])) readers.forEach((reader) => reader(state, old));
    },
    subscribe(reader) {
      readers.add(reader);
      return () => void readers.delete(reader);
    },
  };
}
