// Running minima and maxima over square windows.

import { invert } from "#web/core/picture.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/**
 * The running maximum in an odd square window that is cut off at the edges.
 * @param {Picture} gray h×w×1
 * @param {number} window odd
 * @returns {Picture} h×w×1
 */
export function running_maximum({ height, width, data }, window) {
  const across = maximum_along_rows(data, width, window);
  return { height, width, channels: 1, data: maximum_along_rows(across, height, window) };
}

/**
 * The running maximum of the running minimum: light details narrower than the window vanish.
 * @param {Picture} gray h×w×1
 * @param {number} window odd
 * @returns {Picture} h×w×1
 */
export function opening(gray, window) {
  return running_maximum(invert(running_maximum(invert(gray), window)), window);
}

/**
 * A window overlaps at most two blocks of its own length: its maximum is that of the first block from the window's
 * start on and of the second up to its end. The cost does not depend on the window size.
 * @param {Uint8Array} data h×w
 * @param {number} width
 * @param {number} window odd
 * @returns {Uint8Array} transposed, w×h: applying it twice covers both directions and restores the orientation
 */
function maximum_along_rows(data, width, window) {
  const [height, reach] = [data.length / width, window >> 1];
  const out = new Uint8Array(data.length);
  const line = new Uint8Array(width + 2 * reach);
  const [since, until] = [new Uint8Array(line.length), new Uint8Array(line.length)];
  for (let row = 0; row < height; row++) {
    line.set(data.subarray(row * width, (row + 1) * width), reach);
    for (let start = 0; start < line.length; start += window) {
      const end = Math.min(start + window, line.length);
      for (let i = start, most = 0; i < end; i++) until[i] = most = Math.max(most, line[i]);
      for (let i = end - 1, most = 0; i >= start; i--) since[i] = most = Math.max(most, line[i]);
    }
    for (let column = 0, to = row; column < width; column++, to += height) {
      out[to] = Math.max(since[column], until[column + window - 1]);
    }
  }
  return out;
}
