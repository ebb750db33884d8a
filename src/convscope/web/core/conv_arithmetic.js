/**
 * Convolution arithmetic in integers: sizes, padding, and which pixels a window reads. The twin of `arithmetic.py`.
 *
 * @typedef {import("#web/core/network.js").LayerRow} LayerRow
 * @typedef {string | number} AxisPadding `"valid"`, `"same"`, or how many zeros go on each side of the axis, >= 0.
 * @typedef {AxisPadding | number[]} Padding A pair has one number for the rows and one for the columns.
 * @typedef {{kernel_size: number[], strides: number[], padding: Padding, dilation_rate: number[]}} Window
 * Pairs are (rows, columns).
 * @typedef {{strides?: number, padding?: AxisPadding, dilation_rate?: number}} AxisOptions Keras's defaults.
 * @typedef {{r0: number, r1: number, c0: number, c1: number}} Span Rows and columns from the first to the last, both
 * included.
 */

/**
 * How many zeros go before and after an axis; `same` puts the odd zero at the end, as TensorFlow does.
 *
 * @param {number} size Input pixels on this axis, >= 1.
 * @param {number} kernel_size Kernel taps on this axis, >= 1.
 * @param {AxisOptions} [options]
 * @returns {[number, number]}
 */
export function padding_split(size, kernel_size, { strides = 1, padding = "valid", dilation_rate = 1 } = {}) {
  if (typeof padding === "number") return [padding, padding];
  if (padding === "valid") return [0, 0];
  const span = (Math.ceil(size / strides) - 1) * strides + (kernel_size - 1) * dilation_rate + 1;
  const total = Math.max(span - size, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

/**
 * How many windows fit on an axis; 0 or less when the kernel does not fit.
 *
 * @param {number} size Input pixels on this axis, >= 1.
 * @param {number} kernel_size Kernel taps on this axis, >= 1.
 * @param {AxisOptions} [options]
 * @returns {number}
 */
export function output_size(size, kernel_size, { strides = 1, padding = "valid", dilation_rate = 1 } = {}) {
  const [before, after] = padding_split(size, kernel_size, { strides, padding, dilation_rate });
  return Math.floor((size + before + after - (kernel_size - 1) * dilation_rate - 1) / strides) + 1;
}

/**
 * The window of a convolution or pooling layer; null for other layers.
 *
 * @param {LayerRow} row
 * @returns {Window | null}
 */
export function window_of({ config }) {
  const kernel_size = config.kernel_size ?? config.pool_size;
  if (!kernel_size) return null;
  const { strides, padding, dilation_rate = [1, 1] } = config;
  return { kernel_size, strides, padding, dilation_rate };
}

/**
 * One axis of a window.
 *
 * @param {Window} window
 * @param {0 | 1} axis Rows or columns.
 * @returns {Required<AxisOptions> & {kernel_size: number}}
 */
export function axis_of({ kernel_size, strides, padding, dilation_rate }, axis) {
  return {
    kernel_size: kernel_size[axis],
    strides: strides[axis],
    padding: Array.isArray(padding) ? padding[axis] : padding,
    dilation_rate: dilation_rate[axis],
  };
}

/**
 * Where one window's taps lie on one axis of the layer's input; outside of `0 .. size - 1` lies padding.
 *
 * @param {LayerRow} row A layer with a window.
 * @param {0 | 1} axis Rows or columns.
 * @param {number} output The output row or column.
 * @returns {number[]} One position a tap.
 * @throws {Error} The layer slides no window.
 */
export function tap_positions(row, axis, output) {
  const window = window_of(row);
  if (!window) throw new Error(`Expected a layer with a window. Received: ${row.name}.`);
  const { kernel_size, ...options } = axis_of(window, axis);
  const [before] = padding_split(row.input_shape[axis], kernel_size, options);
  return Array.from({ length: kernel_size }, (_, tap) => output * options.strides - before + tap * options.dilation_rate);
}
