/**
 * Numbers rounded so that a sum can be checked on paper: the printed terms add up to the printed total.
 */

/**
 * Round terms so that they sum to their rounded total. Most terms are rounded to the nearest; those with the largest
 * rounding error are moved by one unit of the last digit.
 *
 * @param {ArrayLike<number>} terms Finite numbers.
 * @param {number} digits After the decimal point, 0 to 12.
 * @param {string} [printed] The total, where it was rounded as a term of another sum.
 * @returns {{terms: string[], total: string, part: (first: number, end: number) => string}} Fixed-point numbers with "-"
 *     for a minus; no "-0". `part` is the sum of the printed terms from `first` to before `end`.
 *
 * Source: the largest-remainder method of apportionment (Hamilton, 1792).
 */
export function round_sum(terms, digits, printed) {
  const unit = 10 ** digits;
  const exact = Array.from(terms, (term) => term * unit);
  const whole = exact.map((value) => Math.round(value));
  const total = Math.round(printed === undefined ? exact.reduce((sum, value) => sum + value, 0) : Number(printed) * unit);
  let missing = total - whole.reduce((sum, value) => sum + value, 0);
  const step = Math.sign(missing);
  // a term of exactly 0 stays 0
  const order = [...exact.keys()].filter((at) => exact[at] !== 0).sort((a, b) => step * (exact[b] - whole[b] - (exact[a] - whole[a])));
  for (let turn = 0; missing !== 0 && order.length; turn += 1, missing -= step) whole[order[turn % order.length]] += step;
  const text = (/** @type {number} */ value) => (value / unit).toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1");
  return {
    terms: whole.map(text),
    total: text(total),
    part: (first, end) => text(whole.slice(first, end).reduce((sum, value) => sum + value, 0)),
  };
}

/**
 * How many digits after the point a sum needs, so that its largest term has three significant ones.
 *
 * @param {ArrayLike<number>} terms
 * @param {{least?: number, most?: number}} [limits]
 * @returns {number}
 */
export function digits_for(terms, { least = 2, most = 8 } = {}) {
  let largest = 0;
  for (let at = 0; at < terms.length; at += 1) largest = Math.max(largest, Math.abs(terms[at]));
  if (!(largest > 0) || !Number.isFinite(largest)) return least;
  return Math.min(most, Math.max(least, 2 - Math.floor(Math.log10(largest))));
}
