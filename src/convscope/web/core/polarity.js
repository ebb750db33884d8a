// Dark strokes on a light background or the reverse, decided by the border of the image.

import { histogram } from "#web/core/background_subtraction.js";
import { rim } from "#web/core/morphology.js";
import { reduce_to } from "#web/core/resample.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */

const WORKING_SIDE = 256;

/**
 * The outermost pixels of one channel, each once.
 * @param {Picture} picture h×w×c
 * @param {number} channel 0..c-1
 * @returns {Uint8Array} all pixels where a side is 2 or less
 */
export function border_pixels({ height, width, channels, data }, channel) {
  const inner = Math.max(0, height - 2) * Math.max(0, width - 2);
  const out = new Uint8Array(height * width - inner);
  for (let row = 0, to = 0; row < height; row++) {
    const step = row === 0 || row === height - 1 ? 1 : Math.max(1, width - 1);
    for (let column = 0; column < width; column += step) out[to++] = data[(row * width + column) * channels + channel];
  }
  return out;
}

/**
 * Whether a picture shows dark strokes on a light background. The border's 10 % and 90 % levels are the background;
 * the side that the whole picture's 0.2 % and 99.8 % levels exceed further decides. On a tie, a border median of 128 or
 * more is a light background.
 * @param {Picture} gray h×w×1; reduced to 256 pixels a side first, which removes noise
 * @returns {boolean}
 */
export function has_dark_foreground(gray) {
  const reduced = reduce_to(gray, WORKING_SIDE);
  return reaches_darker(histogram(border_pixels(reduced, 0)), histogram(reduced.data));
}

/**
 * The same for the part of a picture that a sheet covers; its outermost pixels are the border.
 * @param {Picture} gray h×w×1
 * @param {Uint8Array} region h×w, 0 or 1
 * @returns {boolean}
 */
export function is_darker(gray, region) {
  return reaches_darker(histogram(gray.data, rim(region, gray.width)), histogram(gray.data, region));
}

/** @param {Float64Array} border @param {Float64Array} whole */
function reaches_darker(border, whole) {
  const darker = sorted_level(border, 0.1) - sorted_level(whole, 0.002);
  const lighter = sorted_level(whole, 0.998) - sorted_level(border, 0.9);
  return darker === lighter ? sorted_level(border, 0.5) >= 128 : darker > lighter;
}

/**
 * The lower median.
 * @param {Uint8Array} levels at least one
 * @returns {number} the sorted level at `floor((n - 1) / 2)`
 */
export function median(levels) {
  return level_at(histogram(levels), Math.floor((levels.length - 1) / 2));
}

/**
 * @param {Float64Array} counts
 * @param {number} fraction 0..1
 * @returns {number} the sorted level at `floor(fraction (n - 1) + 1e-6)`
 */
function sorted_level(counts, fraction) {
  const n = counts.reduce((a, b) => a + b);
  return level_at(counts, Math.floor(fraction * (n - 1) + 1e-6));
}

/**
 * @param {Float64Array} counts
 * @param {number} position in the sorted levels, from 0
 * @returns {number}
 */
function level_at(counts, position) {
  let seen = 0;
  return counts.findIndex((count) => (seen += count) > position);
}
