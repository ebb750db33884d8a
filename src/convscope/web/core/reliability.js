// The groups of images that a reliability diagram shows.

/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */
/** @typedef {{low: number, high: number, count: number, mean_confidence: number, accuracy: Proportion}} Bin one with images */
/** @typedef {{low: number, high: number, count: number, mean_confidence: number|null, accuracy: Proportion|null}} AnyBin */

/**
 * The groups that have images.
 * @param {AnyBin[]} bins
 * @returns {Bin[]}
 */
export function inhabited(bins) {
  return /** @type {Bin[]} */ (bins.filter((bin) => bin.count > 0));
}

/**
 * Where an axis may begin so that every group and its interval is seen.
 * @param {Bin[]} bins
 * @returns {number} 0..0.95, in steps of 0.05
 */
export function lowest(bins) {
  const least = Math.min(...bins.map((bin) => Math.min(bin.mean_confidence, bin.accuracy.low)), 1);
  return Math.min(0.95, Math.max(0, Math.floor(least * 20 - 1e-9) / 20));
}
