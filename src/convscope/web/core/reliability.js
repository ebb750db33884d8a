// The bins of a reliability diagram.

/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */
/** @typedef {{low: number, high: number, count: number, mean_confidence: number, accuracy: Proportion}} Bin one with images */
/** @typedef {{low: number, high: number, count: number, mean_confidence: number|null, accuracy: Proportion|null}} AnyBin */

/**
 * The bins that have images.
 * @param {AnyBin[]} bins
 * @returns {Bin[]}
 */
export function nonempty_bins(bins) {
  return /** @type {Bin[]} */ (bins.filter((bin) => bin.count > 0));
}

/**
 * Accuracy minus mean probability of each bin, with its 95 % confidence interval.
 * @param {Bin[]} bins
 * @returns {{gap: number, low: number, high: number}[]} -1..1; below 0 where the network is overconfident
 */
export function calibration_gaps(bins) {
  return bins.map(({ mean_confidence, accuracy: { rate, low, high } }) => ({ gap: rate - mean_confidence, low: low - mean_confidence, high: high - mean_confidence }));
}
