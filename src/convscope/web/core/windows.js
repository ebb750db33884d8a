/**
 * Windows over the pixels of one image: which pixels each window reads.
 *
 * @typedef {import("#web/core/network.js").LayerRow} LayerRow
 * @typedef {{
 *   input: number[], output: number[], kernel_size: number[], strides: number[], dilation_rate: number[],
 *   before: number[],
 * }} Geometry Shapes as (rows, columns, channels); `before`: zeros before the first row and column.
 */

import { axis_of, padding_split, window_of } from "#web/core/conv_arithmetic.js";

/**
 * The windows of a convolution or pooling layer.
 *
 * @param {LayerRow} row
 * @param {number[]} [output] `(h, w, c)`, where it is not the layer's own.
 * @returns {Geometry}
 * @throws {Error} The layer has no window.
 */
export function geometry_of(row, output = row.output_shape) {
  const window = window_of(row);
  if (!window) throw new Error(`Expected a layer with a window. Received: ${row.name}.`);
  const before = /** @type {const} */ ([0, 1]).map((axis) => {
    const { kernel_size, ...options } = axis_of(window, axis);
    return padding_split(row.input_shape[axis], kernel_size, options)[0];
  });
  const { kernel_size, strides, dilation_rate } = window;
  return { input: row.input_shape, output, kernel_size, strides, dilation_rate, before };
}

/**
 * Windows of one pixel: a pointwise convolution, or a dense layer over one pixel of many channels.
 *
 * @param {number[]} input `(h, w, c)` or `(units,)`.
 * @param {number} filters
 * @returns {Geometry}
 */
export function pointwise_geometry(input, filters) {
  const [height, width, channels] = input.length === 3 ? input : [1, 1, input[0]];
  const [shape, output] = [[height, width, channels], [height, width, filters]];
  return { input: shape, output, kernel_size: [1, 1], strides: [1, 1], dilation_rate: [1, 1], before: [0, 0] };
}

/**
 * One window that holds the whole image: global pooling.
 *
 * @param {number[]} input `(h, w, c)`.
 * @returns {Geometry}
 */
export function global_geometry(input) {
  return { ...pointwise_geometry(input, input[2]), output: [1, 1, input[2]], kernel_size: input.slice(0, 2) };
}

/**
 * Call `visit` for each output pixel with each input pixel of its window, then `finish` with how many there were.
 *
 * @param {Geometry} geometry
 * @param {(pixel: number, tap: number) => void} visit
 * @param {(output: number, pixels: number) => void} finish
 */
export function each_tap(geometry, visit, finish) {
  const { kernel_size: [tall, wide], strides, dilation_rate, before } = geometry;
  const { input: [height, width], output: [rows, columns] } = geometry;
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      let pixels = 0;
      for (let i = 0; i < tall; i += 1) {
        const row = r * strides[0] - before[0] + i * dilation_rate[0];
        if (row < 0 || row >= height) continue;
        for (let j = 0; j < wide; j += 1) {
          const column = c * strides[1] - before[1] + j * dilation_rate[1];
          if (column < 0 || column >= width) continue;
          visit(row * width + column, i * wide + j);
          pixels += 1;
        }
      }
      finish(r * columns + c, pixels);
    }
  }
}

/**
 * Call `visit` once for each output pixel with the input pixels of its window and their taps.
 *
 * @param {Geometry} geometry
 * @param {(pixels: number[], taps: number[], output: number) => void} visit
 */
export function each_window(geometry, visit) {
  /** @type {number[]} */
  let pixels = [];
  /** @type {number[]} */
  let taps = [];
  each_tap(geometry, (pixel, tap) => {
    pixels.push(pixel);
    taps.push(tap);
  }, (output) => {
    visit(pixels, taps, output);
    pixels = [];
    taps = [];
  });
}

/**
 * A gradient of zeros at the input.
 *
 * @param {Geometry} geometry
 * @returns {Float64Array}
 */
export function input_zeros({ input }) {
  return new Float64Array(input[0] * input[1] * input[2]);
}
