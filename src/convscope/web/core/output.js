// All numbers that come out of a window, without the products that they are made of.

import { tap_positions } from "#web/core/conv.js";
import { zeros } from "#web/core/network.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */

/**
 * A convolution, summed in float64.
 * @param {LayerRow} layer whose output_shape is (rows, columns, filters), each at least 1
 * @param {Tensor} input (h, w, c)
 * @param {Tensor} kernel (rows, columns, channels of a group, filters)
 * @param {Tensor|null} bias (filters,)
 * @returns {Tensor} (rows, columns, filters)
 */
export function convolved(layer, input, kernel, bias) {
  const [, wide, depth, filters] = kernel.shape;
  return each_number(layer, (places, channel) => {
    const first = Math.floor((channel * layer.config.groups) / filters) * depth;
    let sum = bias?.data[channel] ?? 0;
    for (const { at, i, j } of places) {
      for (let d = 0; d < depth; d++) sum += input.data[at + first + d] * kernel.data[((i * wide + j) * depth + d) * filters + channel];
    }
    return sum;
  });
}

/**
 * The largest number of each window, or the mean; padding is left out.
 * @param {LayerRow} layer each of whose windows meets the picture
 * @param {Tensor} input (h, w, c)
 * @returns {Tensor} (rows, columns, c)
 */
export function pooled(layer, input) {
  return each_number(layer, (places, channel) => {
    const seen = places.map(({ at }) => input.data[at + channel]);
    return layer.kind === "MaxPooling2D" ? Math.max(...seen) : seen.reduce((sum, one) => sum + one, 0) / seen.length;
  });
}

/** @param {LayerRow} layer @param {(places: {at: number, i: number, j: number}[], channel: number) => number} make from the taps on the picture, `at` being where a pixel's channels begin @returns {Tensor} */
function each_number(layer, make) {
  const [height, width, channels] = layer.input_shape;
  const output = zeros(layer.output_shape);
  const [rows, columns, filters] = output.shape;
  const inside = (/** @type {0|1} */ axis, /** @type {number} */ place, /** @type {number} */ end) =>
    tap_positions(layer, axis, place).map((at, tap) => ({ at, tap })).filter(({ at }) => at >= 0 && at < end);
  const across = Array.from({ length: columns }, (_, c) => inside(1, c, width));
  for (let r = 0, next = 0; r < rows; r++) {
    const down = inside(0, r, height);
    for (let c = 0; c < columns; c++) {
      const places = down.flatMap((row) => across[c].map((column) => ({ at: (row.at * width + column.at) * channels, i: row.tap, j: column.tap })));
      for (let f = 0; f < filters; f++) output.data[next++] = make(places, f);
    }
  }
  return output;
}
