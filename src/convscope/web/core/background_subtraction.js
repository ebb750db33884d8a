// Background subtraction: strokes on an uneven background. Integer arithmetic throughout.

import { dilated, running_maximum, running_minimum } from "#web/core/morphology.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/** The minimum brightness for the contrast of dark ink, so that noise in a deep shadow does not become foreground. */
const MIN_BRIGHTNESS = 32;

/** The same for light ink: white on light gray is faint. */
const MIN_RANGE = 128;

/**
 * The levels of ink. It absorbs a fraction of the light, so in a shadow the same stroke differs by fewer levels.
 * Python's `difference_from_background` lists the steps.
 * @param {Picture} gray h×w×1, light strokes on dark
 * @param {Uint8Array} region h×w, 0 or 1: where the sheet is
 * @param {boolean} dark whether the strokes were dark, and the picture is inverted
 * @returns {Uint8Array} h×w, 0 outside the region
 */
export function difference_from_background(gray, region, dark) {
  const window = Math.max(3, Math.floor(Math.min(gray.height, gray.width) / 3)) | 1;
  const least = dark ? MIN_BRIGHTNESS : MIN_RANGE;
  const inside = gray.data.slice();
  for (let i = 0; i < inside.length; i++) if (!region[i]) inside[i] = 255;
  const low = running_minimum({ ...gray, data: inside }, window);
  for (let i = 0; i < inside.length; i++) if (!region[i]) low.data[i] = 0;
  const ground = running_maximum(low, window).data;
  const rise = new Uint8Array(inside.length);
  for (let i = 0; i < rise.length; i++) {
    const fraction = ((gray.data[i] - ground[i]) * 255) / Math.max(255 - ground[i], least);
    if (region[i] && fraction > 0) rise[i] = Math.min(255, Math.floor(fraction));
  }
  return rise;
}

/**
 * Stretch the contrast of the strokes and a margin of two pixels; everything else becomes 0.
 * @param {Uint8Array} rise from `difference_from_background`
 * @param {Picture} gray the picture
 * @param {Uint8Array} kept h×w, 0 or 1: the strokes
 * @param {{low: number, full: number}} means of the background and of the strokes
 * @returns {Picture} h×w×1
 */
export function stretch_contrast(rise, gray, kept, { low, full }) {
  const wide = dilated(kept, gray.width, 5);
  // Half of a drawing is exactly 0, and its gray levels are exact.
  const drawn = histogram(gray.data)[0] * 2 >= rise.length;
  const zero = drawn ? 0 : low + Math.floor((full - low) / 8);
  const range = drawn ? 255 : Math.max(1, full - zero);
  const data = new Uint8Array(rise.length);
  for (let i = 0; i < rise.length; i++) {
    if (wide[i] && rise[i] > zero) data[i] = Math.min(255, Math.floor(((rise[i] - zero) * 255) / range));
  }
  return { ...gray, data };
}

/**
 * Otsu's threshold: the darker part is `<=` it; 0 for a constant picture. The lowest of ties.
 * @param {Float64Array} counts how many pixels have each of the 256 levels; up to 65,536 in all
 * @returns {number} 0..254
 */
export function otsu(counts) {
  const { n, sum: total } = moments(counts, 0, 255);
  let [best, most, below, mass] = [0, 0, 0, 0];
  for (let level = 0; level < 255; level++) {
    below += counts[level];
    mass += counts[level] * level;
    if (below === 0 || below === n) continue;
    // One rounding in the square and one in the quotient, as in Python's float64; everything before is exact.
    const difference = mass * n - total * below;
    const between = (difference * difference) / (below * (n - below));
    if (between > most) [best, most] = [level, between];
  }
  return best;
}

/**
 * The histogram of the levels.
 * @param {Uint8Array} levels
 * @param {Uint8Array} [region] where to count; everywhere if there is none
 * @returns {Float64Array} 256 counts
 */
export function histogram(levels, region) {
  const counts = new Float64Array(256);
  for (let i = 0; i < levels.length; i++) if (!region || region[i]) counts[levels[i]]++;
  return counts;
}

/**
 * @param {Float64Array} counts
 * @param {number} from the first level
 * @param {number} to the last level
 * @returns {{n: number, sum: number, squares: number}} of the pixels at these levels
 */
export function moments(counts, from, to) {
  let [n, sum, squares] = [0, 0, 0];
  for (let level = from; level <= to; level++) {
    n += counts[level];
    sum += counts[level] * level;
    squares += counts[level] * level * level;
  }
  return { n, sum, squares };
}

/**
 * @param {{n: number, sum: number}} moments
 * @returns {number}
 */
export function rounded_mean({ n, sum }) {
  return Math.floor(sum / n + 0.5);
}
