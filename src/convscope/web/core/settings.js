// The settings of a sliding window page: hyperparameters, and the values shown until a slider changes their shape.

/**
 * @typedef {object} Settings
 * @property {"conv"|"max"|"average"} operation
 * @property {number[]} input_size rows and columns, as every pair here
 * @property {number} channels
 * @property {number} filters
 * @property {number[]} kernel_size
 * @property {string|number[]} padding "valid", "same", or zeros on each side of the rows and of the columns
 * @property {number[]} strides
 * @property {number[]} dilation_rate
 * @property {number} groups
 * @property {number[][][]} pixels rows, columns, channels
 * @property {number[][][][]|null} kernel rows, columns, channels of a group, filters; null for pooling
 * @property {number[]|null} bias one number a filter; null for none
 * @property {boolean} numbers whether the cells hold their numbers
 */

/** @typedef {import("#web/core/network.js").Tensor} Tensor */

const OPERATIONS = ["conv", "max", "average"];
const PAIRS = ["input_size", "kernel_size", "strides", "dilation_rate"];
const COUNTS = ["channels", "filters", "groups"];

/**
 * @param {string} text JSON
 * @returns {Settings}
 * @throws {Error} It is not JSON, or a setting is missing or invalid.
 */
export function read_settings(text) {
  /** @type {any} */
  let settings;
  try {
    settings = JSON.parse(text);
  } catch {
    throw new Error("This page is damaged: its data is not valid JSON. Write it again with: convscope conv --out window.html");
  }
  check("operation", settings?.operation, OPERATIONS.includes(settings?.operation));
  for (const name of PAIRS) check(name, settings[name], is_pair(settings[name], 1));
  for (const name of COUNTS) check(name, settings[name], is_whole(settings[name], 1));
  const { padding, pixels, kernel, bias, filters } = settings;
  check("padding", padding, padding === "valid" || padding === "same" || is_pair(padding, 0));
  check("pixels", pixels, has_shape(pixels, [...settings.input_size, settings.channels]));
  const depth = settings.channels / settings.groups;
  check("kernel", kernel, settings.operation === "conv" ? has_shape(kernel, [...settings.kernel_size, depth, filters]) : kernel === null);
  check("bias", bias, bias === null || has_shape(bias, [filters]));
  check("numbers", settings.numbers, typeof settings.numbers === "boolean");
  return settings;
}

/**
 * Nested lists as a tensor.
 * @param {any[]} lists equally long at each depth
 * @returns {Tensor}
 */
export function to_tensor(lists) {
  const shape = [];
  for (let part = /** @type {any} */ (lists); Array.isArray(part); part = part[0]) shape.push(part.length);
  return { shape, data: Float32Array.from(lists.flat(Infinity)) };
}

/** @param {string} name @param {unknown} value @param {boolean} holds */
function check(name, value, holds) {
  const received = (JSON.stringify(value) ?? "nothing").slice(0, 60);
  if (!holds) throw new Error(`This page is damaged: its data is invalid. Received: ${name}=${received}.`);
}

/** @param {unknown} value @param {number} low */
const is_whole = (value, low) => Number.isInteger(value) && Number(value) >= low;

/** @param {unknown} value @param {number} low */
const is_pair = (value, low) => Array.isArray(value) && value.length === 2 && value.every((one) => is_whole(one, low));

/** @param {unknown} value @param {number[]} shape @returns {boolean} */
function has_shape(value, shape) {
  if (!shape.length) return typeof value === "number" && Number.isFinite(value);
  return Array.isArray(value) && value.length === shape[0] && value.every((part) => has_shape(part, shape.slice(1)));
}
