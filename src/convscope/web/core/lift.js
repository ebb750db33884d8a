// Taking ink off an uneven ground. Whole-number arithmetic throughout.

import { main_blots } from "#web/core/blots.js";
import { opening, running_maximum } from "#web/core/morphology.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/** Grey levels between ink and ground below which a picture counts as blank. */
const MIN_CONTRAST = 32;

/** Standard deviations of the ground between ink and ground below which a picture counts as blank. */
const MIN_CERTAINTY = 5;

/** The least brightness that ink is measured against, so that the deepest shadow's noise does not become ink. */
const MIN_ROOM = 32;

/**
 * Take ink off an uneven ground: the ground becomes 0, full ink 255; all 0 where there is no ink. The steps and the
 * reasons for them are listed at Python's `lift_ink`.
 * @param {Picture} grey h×w×1, light ink on dark, sides up to 256
 * @returns {Picture} h×w×1
 */
export function lift_ink(grey) {
  const { height, width } = grey;
  const rise = rise_above_ground(grey);
  const out = { height, width, channels: 1, data: new Uint8Array(rise.length) };
  const counts = histogram(rise);
  const threshold = otsu(counts);
  const [ground, ink] = [moments(counts, 0, threshold), moments(counts, threshold + 1, 255)];
  if (ground.n === 0 || ink.n === 0) return out;
  const [low, full] = [rounded_mean(ground), rounded_mean(ink)];
  const spread = ground.n * ground.squares - ground.sum ** 2; // the variance times n²: exact, where a root would round
  const certain = ((full - low) * ground.n) ** 2 >= MIN_CERTAINTY ** 2 * spread;
  if (full - low < MIN_CONTRAST || !certain) return out;
  const blots = main_blots(rise.map((level) => (level > threshold ? 1 : 0)), rise, width);
  const kept = running_maximum({ height, width, channels: 1, data: blots }, 5).data;
  // Half of a drawing is exactly 0, and its greys are true.
  const drawn = histogram(grey.data)[0] * 2 >= rise.length;
  const zero = drawn ? 0 : low + Math.floor((full - low) / 8);
  const range = drawn ? 255 : Math.max(1, full - zero);
  for (let i = 0; i < rise.length; i++) {
    if (kept[i] && rise[i] > zero) out.data[i] = Math.min(255, Math.floor(((rise[i] - zero) * 255) / range));
  }
  return out;
}

/**
 * The level that best parts a picture in two: the darker part is `<=` it; 0 for a flat picture. Ties go to the lowest.
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
    // One rounding in the square and one in the quotient, as in Python's float64; all before is exact.
    const difference = mass * n - total * below;
    const between = (difference * difference) / (below * (n - below));
    if (between > most) [best, most] = [level, between];
  }
  return best;
}

/**
 * How often each level occurs.
 * @param {Uint8Array} levels
 * @returns {Float64Array} 256 counts
 */
export function histogram(levels) {
  const counts = new Float64Array(256);
  for (let i = 0; i < levels.length; i++) counts[levels[i]]++;
  return counts;
}

/**
 * Ink takes a share of the light that falls on the paper, so a shadow makes the same ink fewer levels different.
 * @param {Picture} grey
 * @returns {Uint8Array} h×w: `floor(255 (picture - ground) / max(255 - ground, 32))`
 */
function rise_above_ground(grey) {
  const window = Math.max(3, Math.floor(Math.min(grey.height, grey.width) / 3)) | 1;
  const ground = opening(grey, window).data;
  const rise = new Uint8Array(ground.length);
  for (let i = 0; i < rise.length; i++) {
    const share = ((grey.data[i] - ground[i]) * 255) / Math.max(255 - ground[i], MIN_ROOM);
    rise[i] = Math.min(255, Math.floor(share));
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
