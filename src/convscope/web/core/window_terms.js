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

import { tap_positions } from "#web/core/conv_arithmetic.js";
import { value_at } from "#web/core/network.js";

/**
 * The products of one window with one slice of a kernel.
 *
 * @param {LayerRow} row A convolution of any kind.
 * @param {Tensor} input The layer's input, `(h, w, c)`.
 * @param {Tensor} kernel `(rows, columns, depth, filters)`.
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
 * The one channel that an output channel of a depthwise convolution reads.
 *
 * @param {LayerRow} row
 * @param {Tensor} input
 * @param {Tensor} kernel `(rows, columns, channels, depth_multiplier)`.
 * @param {{r: number, c: number, channel: number}} place
 * @returns {ChannelTaps}
 */
export function depthwise_taps(row, input, kernel, { r, c, channel }) {
  const depth = Math.floor(channel / kernel.shape[3]);
  return channel_taps(row, input, kernel, { r, c, channel: depth, depth, filter: channel % kernel.shape[3] });
}

/**
 * The pixels of some rows and columns; positions in the padding are skipped.
 *
 * @param {Tensor} input `(h, w, c)`
 * @param {number[]} rows
 * @param {number[]} columns
 * @param {number} channel
 * @returns {Pixel[]} Row by row.
 */
export function pixels_at_positions(input, rows, columns, channel) {
  return rows.flatMap((row) => columns
    .filter((column) => is_inside(input, row, column))
    .map((column) => ({ row, column, value: value_at(input, row, column, channel) })));
}

/**
 * The channel whose products sum to most, positive or negative.
 *
 * @param {ChannelTaps[]} channels at least one
 * @returns {number}
 */
export function strongest(channels) {
  return channels.reduce((most, one) => (Math.abs(one.sum) > Math.abs(most.sum) ? one : most)).channel;
}

/** @param {ChannelTaps[]} channels @returns {number} */
export function total(channels) {
  return channels.reduce((all, { sum }) => all + sum, 0);
}

/** @type {(tensor: Tensor, r: number, c: number) => boolean} */
function is_inside({ shape }, r, c) {
  return r >= 0 && r < shape[0] && c >= 0 && c < shape[1];
}
