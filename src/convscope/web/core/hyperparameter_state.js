// The state of the sliding window page, as a table of fields: every view is a link.

import { choice, read_hash, integer } from "#web/core/fields.js";

/** @typedef {import("#web/core/settings.js").Settings} Settings */
/** @typedef {import("#web/core/conv_arithmetic.js").Window} Window */

/**
 * @typedef {object} HyperparameterState
 * @property {string} operation conv, max, average
 * @property {number} rows
 * @property {number} columns
 * @property {number} kernel_rows
 * @property {number} kernel_columns
 * @property {string} padding valid, same, number
 * @property {number} padding_rows zeros on each side; ignored unless the padding is a number
 * @property {number} padding_columns
 * @property {number} stride_rows
 * @property {number} stride_columns
 * @property {number} dilation_rows
 * @property {number} dilation_columns
 * @property {number} groups
 * @property {number} channels
 * @property {number} filters
 * @property {number} seed 0: the given values, where they have the right shape
 * @property {string} linked yes, no: whether the sliders of rows and columns move together
 * @property {string} numbers on, off
 * @property {number} row of the output
 * @property {number} column of the output
 * @property {number} filter that is shown
 * @property {number} channel of the input that is shown
 */

/** @typedef {import("#web/core/fields.js").Store<HyperparameterState>} HyperparameterStore */

/** The ranges of the sliders; given values may lie above. */
export const RANGES = /** @type {const} */ ({
  rows: [1, 32], columns: [1, 32], kernel_rows: [1, 7], kernel_columns: [1, 7], padding_rows: [0, 6], padding_columns: [0, 6],
  stride_rows: [1, 4], stride_columns: [1, 4], dilation_rows: [1, 3], dilation_columns: [1, 3], channels: [1, 8], filters: [1, 8],
});

const MOST = 512;

/**
 * The fields of the state; their defaults are the settings.
 * @param {Settings} settings
 * @returns {Record<keyof HyperparameterState, import("#web/core/fields.js").Field>}
 */
export function fields_of(settings) {
  const given = first_numbers(settings);
  const slider = (/** @type {keyof typeof RANGES} */ name) => {
    const [low, high] = range_of(name, settings);
    return [name, integer(given[name], low, high)];
  };
  const sliders = Object.fromEntries(Object.keys(RANGES).map((name) => slider(/** @type {keyof typeof RANGES} */ (name))));
  const equal = [settings.input_size, settings.kernel_size, settings.strides, settings.dilation_rate, given_padding(settings)]
    .every(([rows, columns]) => rows === columns);
  return {
    ...sliders,
    operation: choice(["conv", "max", "average"], settings.operation),
    padding: choice(["valid", "same", "number"], Array.isArray(settings.padding) ? "number" : settings.padding),
    groups: integer(settings.operation === "conv" ? settings.groups : 1, 1, Math.max(settings.channels, settings.filters, RANGES.channels[1])),
    seed: integer(0, 0),
    linked: choice(["yes", "no"], equal ? "yes" : "no"),
    numbers: choice(["on", "off"], settings.numbers ? "on" : "off"),
    row: integer(0, 0, MOST), column: integer(0, 0, MOST), filter: integer(0, 0, MOST), channel: integer(0, 0, MOST),
  };
}

/**
 * The range of one slider.
 * @param {keyof typeof RANGES} name
 * @param {Settings} settings
 * @returns {[number, number]}
 */
export function range_of(name, settings) {
  const [low, high] = RANGES[name];
  return [low, Math.max(high, first_numbers(settings)[name])];
}

/**
 * @param {Record<string, import("#web/core/fields.js").Field>} fields
 * @param {string} hash
 * @returns {HyperparameterState}
 */
export function parse_hyperparameters(fields, hash) {
  return /** @type {HyperparameterState} */ (/** @type {unknown} */ (read_hash(fields, hash)));
}

/**
 * The window of a state.
 * @param {HyperparameterState} state
 * @returns {Window}
 */
export function window_of_state(state) {
  return {
    kernel_size: [state.kernel_rows, state.kernel_columns],
    strides: [state.stride_rows, state.stride_columns],
    padding: state.padding === "number" ? [state.padding_rows, state.padding_columns] : state.padding,
    dilation_rate: [state.dilation_rows, state.dilation_columns],
  };
}

/** @param {Settings} settings */
const given_padding = ({ padding }) => (Array.isArray(padding) ? padding : [1, 1]);

/** @param {Settings} settings @returns {Record<keyof typeof RANGES, number>} */
function first_numbers(settings) {
  const [[rows, columns], [kernel_rows, kernel_columns]] = [settings.input_size, settings.kernel_size];
  const [[stride_rows, stride_columns], [dilation_rows, dilation_columns]] = [settings.strides, settings.dilation_rate];
  const [padding_rows, padding_columns] = given_padding(settings);
  const { channels, operation } = settings;
  const filters = operation === "conv" ? settings.filters : 1;
  return {
    rows, columns, kernel_rows, kernel_columns, padding_rows, padding_columns, stride_rows, stride_columns,
    dilation_rows, dilation_columns, channels, filters,
  };
}
