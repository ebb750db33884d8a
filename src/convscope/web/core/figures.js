// Measured shares as people read them, and the round numbers of an axis.

import { count } from "#web/core/scale.js";

/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */

/**
 * The decimals of a percentage that n cases can tell apart: 1 up to 1,000 cases, 2 up to 10,000.
 * @param {number} n at least 1
 * @returns {number}
 */
export function decimals(n) {
  return Math.max(1, Math.ceil(Math.log10(n / 100)));
}

/**
 * A measured share with as many decimals as its cases can tell apart: "99.26 %".
 * @param {Proportion} proportion
 * @param {number} [digits] other decimals: those of the column it stands in
 * @returns {string}
 */
export function share({ rate, n }, digits = decimals(n)) {
  return `${(100 * rate).toFixed(digits)} %`;
}

/**
 * Its 95 % interval: "99.07 to 99.41 %".
 * @param {Proportion} proportion
 * @returns {string}
 */
export function interval({ low, high, n }) {
  return `${(100 * low).toFixed(decimals(n))} to ${(100 * high).toFixed(decimals(n))} %`;
}

/**
 * The same for a narrow column that has its unit elsewhere: "99.07–99.41".
 * @param {Proportion} proportion
 * @param {number} digits
 * @returns {string}
 */
export function range({ low, high }, digits) {
  return `${(100 * low).toFixed(digits)}–${(100 * high).toFixed(digits)}`;
}

/**
 * A count and its noun: "1 image", "2,000 images".
 * @param {number} n
 * @param {string} [noun] in the singular; an s makes it many
 * @returns {string}
 */
export function many(n, noun = "image") {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/**
 * A duration: "0.4 s", "12 s", "3 min 5 s", "2 h 10 min".
 * @param {number} seconds at least 0
 * @returns {string}
 */
export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * Round numbers inside a range, for an axis.
 * @param {number} low
 * @param {number} high above low
 * @param {number} [wanted] about how many
 * @returns {number[]} ascending: steps of 1, 2 or 5 times a power of ten
 */
export function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/**
 * Move labels apart that would cover each other, as little as needed and never out of the range.
 * @param {number[]} wanted positions, in any order
 * @param {number} gap the least distance
 * @param {number} low
 * @param {number} high at least low + gap (wanted.length - 1), or labels will overlap
 * @returns {number[]} positions in the order given
 */
export function spread_labels(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const out = [...wanted];
  let floor = low;
  for (const i of order) floor = (out[i] = Math.max(out[i], floor)) + gap;
  let ceiling = high;
  for (const i of order.reverse()) ceiling = (out[i] = Math.min(out[i], ceiling)) - gap;
  return out;
}
