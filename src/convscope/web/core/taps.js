/**
 * One window written out: which pixels it reads, times which weights.
 *
 * @typedef {import("#web/core/network.js").LayerRow} LayerRow
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {{row: number, column: number, inside: boolean, pixel: number, weight: number, product: number}} Tap
 * A tap in the padding is not inside, and its pixel is 0.
 * @typedef {{channel: number, taps: Tap[][], sum: number}} ChannelTaps One input channel: kernel rows of taps.
 * @typedef {{row: number, column: number, value: number}} Pixel
 */

import { tap_positions } from "#web/core/conv.js";

/**
 * The products of one window with one slice of a kernel.
 *
 * @param {LayerRow} row A convolution of any kind.
 * @param {Tensor} input The layer's input, `(h, w, c)`.
 * @param {Tensor} kernel `(rows, columns, depth, windows)`.
 * @param {{r: number, c: number, channel: number, depth: number, filter: number}} place The output pixel, the input
 *     channel that is read, and the kernel's third and fourth index.
 * @returns {ChannelTaps}
 */
export function channel_taps(row, input, kernel, { r, c, channel, depth, filter }) {
  const [, wide, depths, filters] = kernel.shape;
  const columns = tap_positions(row, 1, c);
  let sum = 0;
  const taps = tap_positions(row, 0, r).map((at_row, i) => columns.map((column, j) => {
    const weight = kernel.data[((i * wide + j) * depths + depth) * filters + filter];
    const inside = is_inside(input, at_row, column);
    const pixel = inside ? value_at(input, at_row, column, channel) : 0;
    const product = pixel * weight;
    sum += product;
    return { row: at_row, column, inside, pixel, weight, product };
  }));
  return { channel, taps, sum };
}

/**
 * The pixels of a pooling window, padding left out; all of them for global pooling.
 *
 * @param {LayerRow} row A pooling layer of any kind.
 * @param {Tensor} input The layer's input, `(h, w, c)`.
 * @param {number} r Output row.
 * @param {number} c Output column.
 * @param {number} channel
 * @returns {Pixel[]} Row by row.
 */
export function pooled_pixels(row, input, r, c, channel) {
  const global = row.kind === "GlobalAveragePooling2D";
  const rows = global ? [...Array(input.shape[0]).keys()] : tap_positions(row, 0, r);
  const columns = global ? [...Array(input.shape[1]).keys()] : tap_positions(row, 1, c);
  return rows.flatMap((at_row) => columns
    .filter((column) => is_inside(input, at_row, column))
    .map((column) => ({ row: at_row, column, value: value_at(input, at_row, column, channel) })));
}

/**
 * One number of a tensor.
 *
 * @param {Tensor} tensor `(h, w, c)`, or `(units,)`, of which only the channel counts.
 * @param {number} r
 * @param {number} c
 * @param {number} channel
 * @returns {number}
 */
export function value_at({ shape, data }, r, c, channel) {
  return shape.length === 3 ? data[(r * shape[1] + c) * shape[2] + channel] : data[channel];
}

/** @type {(tensor: Tensor, r: number, c: number) => boolean} */
function is_inside({ shape }, r, c) {
  return r >= 0 && r < shape[0] && c >= 0 && c < shape[1];
}
