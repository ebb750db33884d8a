// Background subtraction: strokes on an uneven background. Integer arithmetic throughout.

import { main_components } from "#web/core/connected_components.js";
import { opening, running_maximum } from "#web/core/morphology.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/** Gray levels between foreground and background below which a picture counts as blank. */
const MIN_CONTRAST = 32;

/** Standard deviations of the background between foreground and background below which a picture counts as blank. */
const MIN_CERTAINTY = 5;

/** The minimum brightness for the contrast, so that noise in a deep shadow does not become foreground. */
const MIN_BRIGHTNESS = 32;

/**
 * Separate strokes from an uneven background: the background becomes 0, full strokes 255; all 0 where there are none.
 * Python's `subtract_background` lists the steps and their reasons.
 * @param {Picture} gray h×w×1, light strokes on dark, sides up to 256
 * @returns {Picture} h×w×1
 */
export function subtract_background(gray) {
  const { height, width } = gray;
  const rise = difference_from_background(gray);
  const out = { height, width, channels: 1, data: new Uint8Array(rise.length) };
  const counts = histogram(rise);
  const threshold = otsu(counts);
  const [background, foreground] = [moments(counts, 0, threshold), moments(counts, threshold + 1, 255)];
  if (background.n === 0 || foreground.n === 0) return out;
  const [low, full] = [rounded_mean(background), rounded_mean(foreground)];
  const spread = background.n * background.squares - background.sum ** 2; // the variance times n²: exact, where a root would round
  const certain = ((full - low) * background.n) ** 2 >= MIN_CERTAINTY ** 2 * spread;
  if (full - low < MIN_CONTRAST || !certain) return out;
  const components = main_components(rise.map((level) => (level > threshold ? 1 : 0)), rise, width);
  const kept = running_maximum({ height, width, channels: 1, data: components }, 5).data;
  // Half of a drawing is exactly 0, and its gray levels are exact.
  const drawn = histogram(gray.data)[0] * 2 >= rise.length;
  const zero = drawn ? 0 : low + Math.floor((full - low) / 8);
  const range = drawn ? 255 : Math.max(1, full - zero);
  for (let i = 0; i < rise.length; i++) {
    if (kept[i] && rise[i] > zero) out.data[i] = Math.min(255, Math.floor(((rise[i] - zero) * 255) / range));
  }
  return out;
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
 * @returns {Float64Array} 256 counts
 */
export function histogram(levels) {
  const counts = new Float64Array(256);
  for (let i = 0; i < levels.length; i++) counts[levels[i]]++;
  return counts;
}

/**
 * Strokes absorb a fraction of the light, so in a shadow the same stroke differs by fewer levels.
 * @param {Picture} gray
 * @returns {Uint8Array} h×w: `floor(255 (picture - background) / max(255 - background, 32))`
 */
function difference_from_background(gray) {
  const window = Math.max(3, Math.floor(Math.min(gray.height, gray.width) / 3)) | 1;
  const background = opening(gray, window).data;
  const rise = new Uint8Array(background.length);
  for (let i = 0; i < rise.length; i++) {
    const fraction = ((gray.data[i] - background[i]) * 255) / Math.max(255 - background[i], MIN_BRIGHTNESS);
    rise[i] = Math.min(255, Math.floor(fraction));
  }
  return rise;
}

/**
 * @param {Float64Array} counts
 * @param {number} from the first level
 * @param {number} to the last level
 * @returns {{n: number, sum: number, squares: number}} of the pixels at these levels
 */
function moments(counts, from, to) {
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
function rounded_mean({ n, sum }) {
  return Math.floor(sum / n + 0.5);
}
