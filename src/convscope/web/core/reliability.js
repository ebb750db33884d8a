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
 * How far each group is from its word: the share that is right minus the mean probability, with its 95 % interval.
 * @param {Bin[]} bins
 * @returns {{gap: number, low: number, high: number}[]} -1..1; below 0 where the network is too sure
 */
export function gaps(bins) {
  return bins.map(({ mean_confidence: said, accuracy: { rate, low, high } }) => ({ gap: rate - said, low: low - said, high: high - said }));
}
