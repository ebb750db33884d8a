// The state of the page, as a table of fields that round-trips through the URL hash: every view is a link.

import { choice, read_hash, integer, pattern, write_hash } from "#web/core/fields.js";

/**
 * @typedef {object} State
 * @property {string} tab the open tab: network, evaluation, about
 * @property {string} picture "p12": entry 12 of the pictures; "d…": a drawing; "" for none
 * @property {number} layer position in the network
 * @property {number} channel of the layer's output; -1 for the one with the largest value
 * @property {number} row of the selected value; -1 for none
 * @property {number} column of the selected value; -1 for none
 * @property {string} why occlusion, gradient or none
 * @property {number} target the class that is explained; -1 is the predicted one
 * @property {string} off filters that are switched off: "conv2d:3.5,conv2d_1:0"
 * @property {number} moment of the training whose weights are used; -1 is its end
 * @property {string} cell the open cell of the confusion matrix: "4-9"; "" for none
 */

/** @typedef {import("#web/core/fields.js").Store<State>} Store A state with subscribers. */

/** @type {Record<keyof State, import("#web/core/fields.js").Field>} */
export const FIELDS = {
  tab: choice(["network", "evaluation", "about"], "network", { see: "network", good: "evaluation" }),
  picture: pattern(/^(p\d{1,6}|d[\w-]+)?$/),
  layer: integer(0),
  channel: integer(-1),
  row: integer(-1),
  column: integer(-1),
  why: choice(["occlusion", "gradient", "none"]),
  target: integer(-1),
  off: pattern(/^([a-z0-9_]{1,60}:\d{1,5}(\.\d{1,5})*(,|$)){0,200}$/),
  moment: integer(-1, -1, 99),
  cell: pattern(/^(\d{1,4}-\d{1,4})?$/),
};

/**
 * Read a state from a URL hash; missing or invalid fields take their defaults.
 * @param {string} hash
 * @returns {State}
 */
export function parse_hash(hash) {
  const state = /** @type {State} */ (/** @type {unknown} */ (read_hash(FIELDS, hash)));
  if (state.row < 0 || state.column < 0) return { ...state, row: -1, column: -1 };
  return { ...state, channel: Math.max(0, state.channel) }; // links of older pages do not mention map 0
}

/**
 * Write a state as a URL hash; defaults are omitted, and drawings too large for an address.
 * @param {State} state
 * @returns {string} "" or "#name=value&…"
 */
export function format_hash(state) {
  return write_hash(FIELDS, /** @type {any} */ (state));
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
 * The same text with one filter toggled.
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
