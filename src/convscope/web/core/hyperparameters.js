// The hyperparameters of a window in one line, and the formula of its output size.

import { axis_of, output_size, padding_split } from "#web/core/conv_arithmetic.js";

/** @typedef {import("#web/core/conv_arithmetic.js").Window} Window */

/** The names of the two axes, in the order of every pair. */
export const AXES = /** @type {const} */ (["rows", "columns"]);

/** The formula of one axis: input size I, padding P, dilation rate D, kernel size K, strides S. */
export const FORMULA = "⌊(I + P + P − D×(K − 1) − 1) / S⌋ + 1";

/**
 * Zeros before and after, of the rows and of the columns.
 * @param {Window} window
 * @param {number[]} size rows and columns of the input
 * @returns {[number, number][]}
 */
export function padding_of(window, size) {
  return [0, 1].map((axis) => {
    const { kernel_size, ...options } = axis_of(window, /** @type {0|1} */ (axis));
    return padding_split(size[axis], kernel_size, options);
  });
}

/**
 * The formula with the values of one axis, and its result.
 * @param {number} size of the input on this axis
 * @param {Window} window
 * @param {0|1} axis rows or columns
 * @returns {string} "⌊(9 + 0 + 0 − 1×(3 − 1) − 1) / 1⌋ + 1 = 7"
 */
export function formula(size, window, axis) {
  const { kernel_size, ...options } = axis_of(window, axis);
  const [before, after] = padding_split(size, kernel_size, options);
  const result = output_size(size, kernel_size, options);
  const span = `${size} + ${before} + ${after} − ${options.dilation_rate}×(${kernel_size} − 1) − 1`;
  return `⌊(${span}) / ${options.strides}⌋ + 1 = ${String(result).replace("-", "−")}`;
}

/**
 * The hyperparameters as the tutorial prints them, channels first.
 * @param {Window} window
 * @param {{size: number[], channels: number, output: number[]|null, groups: number}} around `size` is rows and columns;
 *     `output` rows, columns and filters, or null for no output
 * @returns {string} "input (1, 9, 9) · output (1, 7, 7) · K (3, 3) · P (0, 0) · S (1, 1) · D (1, 1) · G 1"
 */
export function caption(window, { size, channels, output, groups }) {
  const zeros = padding_of(window, size).map(([before, after]) => (before === after ? String(before) : `${before}+${after}`));
  return [
    `input ${tuple([channels, ...size])}`,
    output ? `output ${tuple([output[2], output[0], output[1]])}` : "no output",
    `K ${tuple(window.kernel_size)}`, `P ${tuple(zeros)}`, `S ${tuple(window.strides)}`, `D ${tuple(window.dilation_rate)}`,
    `G ${groups}`,
  ].join(" · ");
}

/** @param {(string|number)[]} parts */
const tuple = (parts) => `(${parts.join(", ")})`;
