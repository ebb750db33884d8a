/**
 * The out-of-distribution score: how unlike the training images an image is. As `evaluation/out_of_distribution.py`.
 *
 * @typedef {{center: Float32Array, directions: Float32Array}} Subspace `directions` has one row for each feature and one
 *     column for each direction; float16 numbers, already widened.
 * @typedef {{scale: number, threshold: number | null, quantiles: number[], rejects_blank: boolean, centers_logits: boolean}} Rejection
 * @typedef {{known: boolean, score: number | null, rank: number | null}} Familiarity
 */

const MAX_FEATURES = 600;

/**
 * Average feature maps over a grid of places, if there are more than 600 numbers.
 *
 * @param {Float32Array} values `(h, w, c)`.
 * @param {number[]} grid `[h, w, c]`.
 * @returns {Float32Array} At most 600 numbers, if there are at most 600 channels.
 */
export function averaged(values, [h, w, c]) {
  const [rows, columns] = places(h, w, c);
  if (rows === h && columns === w) return values;
  const result = new Float32Array(rows * columns * c);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [top, bottom] = ends(row, h, rows);
      const [left, right] = ends(column, w, columns);
      for (let channel = 0; channel < c; channel++) {
        let sum = 0;
        for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += values[(y * w + x) * c + channel];
        result[(row * columns + column) * c + channel] = sum / ((bottom - top) * (right - left));
      }
    }
  }
  return result;
}

/** @param {number} index @param {number} side @param {number} count @returns {[number, number]} */
const ends = (index, side, count) => [Math.floor((index * side) / count), Math.floor(((index + 1) * side) / count)];

/** @param {number} h @param {number} w @param {number} c @returns {[number, number]} */
function places(h, w, c) {
  let [rows, columns] = [h, w];
  while (rows * columns * c > MAX_FEATURES && rows * columns > 1) {
    if (rows >= columns) rows -= 1;
    else columns -= 1;
  }
  return [rows, columns];
}

/**
 * The coordinates of features along the directions of a subspace, and their distance to it.
 *
 * @param {ArrayLike<number>} features
 * @param {Subspace} subspace
 * @returns {{along: Float64Array, residual: number}} The distance is 0 or more.
 */
export function projected(features, { center, directions }) {
  const count = directions.length / center.length;
  const along = new Float64Array(count);
  let square = 0;
  for (let index = 0; index < features.length; index++) {
    const value = features[index] - center[index];
    square += value * value;
    for (let direction = 0; direction < count; direction++) along[direction] += value * directions[index * count + direction];
  }
  for (const value of along) square -= value * value;
  return { along, residual: Math.sqrt(Math.max(square, 0)) };
}

/**
 * What is added to the distance of an image whose neighboring pixels differ more than in any of the training images that the score was fitted on.
 *
 * @param {ArrayLike<number>} levels Of the pixels, 0 to 255, row by row.
 * @param {number[]} shape `[h, w, c]`.
 * @param {{largest: number, weight: number} | null | undefined} limit null or missing in pages of networks without it.
 * @returns {number} 0 or more.
 */
export function variation_excess(levels, [h, w, c], limit) {
  if (!limit) return 0;
  let sum = 0;
  for (let at = 0; at < levels.length; at++) {
    if (at + w * c < h * w * c) sum += Math.abs(levels[at] - levels[at + w * c]);
    if (at % (w * c) < (w - 1) * c) sum += Math.abs(levels[at] - levels[at + c]);
  }
  return limit.weight * Math.max(sum / 255 / limit.largest - 1, 0);
}

/**
 * The scaled residual minus the largest logit; higher is less familiar.
 *
 * @param {ArrayLike<number>} logits Not divided by a temperature.
 * @param {number} distance The residual of `projected`, and the excess of the total variation.
 * @param {number} scale Of the model file.
 * @param {boolean} centers_logits Whether the largest logit is counted from the mean of the logits; if not, the free
 *     energy is subtracted, as for model files that do not state it.
 */
export function ood_score(logits, distance, scale, centers_logits) {
  const values = Array.from(logits);
  const highest = Math.max(...values);
  if (centers_logits) return scale * distance - highest + values.reduce((sum, value) => sum + value, 0) / values.length;
  const energy = highest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - highest), 0));
  return scale * distance - energy;
}

/**
 * The fraction of held-out images with a lower score, between evenly spaced quantiles.
 *
 * @param {number} score
 * @param {number[]} quantiles Ascending.
 */
export function score_rank(score, quantiles) {
  const last = quantiles.length - 1;
  if (!(score > quantiles[0])) return score < quantiles[0] ? 0 : quantiles.lastIndexOf(score) / last;
  if (score >= quantiles[last]) return 1;
  const above = quantiles.findIndex((value) => value > score);
  const [low, high] = [quantiles[above - 1], quantiles[above]];
  return (above - 1 + (score - low) / (high - low)) / last;
}

/**
 * Whether an image is like those that the network was trained on.
 *
 * @param {{logits: ArrayLike<number>, residual: number, is_constant: boolean}} image `is_constant`: every pixel has the
 *     same intensity.
 * @param {Rejection} rejection A `threshold` of null rejects nothing but constant images.
 * @returns {Familiarity}
 */
export function familiarity({ logits, residual, is_constant }, { scale, threshold, quantiles, rejects_blank, centers_logits }) {
  if (is_constant && rejects_blank) return { known: false, score: null, rank: null };
  const score = ood_score(logits, residual, scale, centers_logits);
  return { known: threshold === null || score <= threshold, score, rank: score_rank(score, quantiles) };
}
