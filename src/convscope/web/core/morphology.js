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

/**
 * The running minimum in an odd square window that is cut off at the edges.
 * @param {Picture} gray h×w×1
 * @param {number} window odd
 * @returns {Picture} h×w×1
 */
export function running_minimum(gray, window) {
  return invert(running_maximum(invert(gray), window));
}

/**
 * A mask grown by half a window on each side.
 * @param {Uint8Array} mask h×w, 0 or 1
 * @param {number} width
 * @param {number} window odd
 * @returns {Uint8Array}
 */
export function dilated(mask, width, window) {
  return running_maximum({ height: mask.length / width, width, channels: 1, data: mask }, window).data;
}

/**
 * A mask shrunk by half a window on each side; the edge of the image does not shrink it.
 * @param {Uint8Array} mask h×w, 0 or 1
 * @param {number} width
 * @param {number} window odd
 * @returns {Uint8Array}
 */
export function eroded(mask, width, window) {
  const out = dilated(complement(mask), width, window);
  for (let i = 0; i < out.length; i++) out[i] = 1 - out[i];
  return out;
}

/** @param {Uint8Array} mask */
function complement(mask) {
  const out = new Uint8Array(mask.length);
  for (let i = 0; i < out.length; i++) out[i] = 1 - mask[i];
  return out;
}

/**
 * The outermost pixels of a region; those at the edge of the image belong to them.
 * @param {Uint8Array} region h×w, 0 or 1
 * @param {number} width
 * @returns {Uint8Array} h×w, 0 or 1
 */
export function rim(region, width) {
  const out = eroded(region, width, 3);
  const last = region.length - width;
  for (let i = 0, column = 0; i < out.length; i++, column++) {
    if (column === width) column = 0;
    const edge = i < width || i >= last || column === 0 || column === width - 1;
    out[i] = region[i] && (edge || !out[i]) ? 1 : 0;
  }
  return out;
}
