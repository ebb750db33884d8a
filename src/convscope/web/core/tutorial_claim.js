// Whether the tutorial's claim about confused pairs holds for this run.

/**
 * @typedef {{
 *   rank: number, first: number, second: number, first_name: string, second_name: string, first_as_second: number,
 *   second_as_first: number, errors: number, p_value: number, distinguishable: boolean,
 *   rate: import("#web/core/evaluation.js").Proportion,
 * }} Pair
 */

/**
 * @param {Pair[]} pairs the pairs of the claim, at least one
 * @returns {string}
 */
export function claim_summary(pairs) {
  const holding = pairs.filter((pair) => pair.distinguishable);
  if (holding.length === pairs.length) return "For this run the claim holds: each pair is confused significantly more often than the average pair.";
  if (holding.length === 0) return "For this run the claim is not supported: no pair is confused significantly more often than the average pair.";
  const names = holding.map((pair) => `(${pair.first_name}, ${pair.second_name})`).join(" and ");
  return `For this run the claim holds in part: only ${names} ${holding.length === 1 ? "is" : "are"} confused significantly more often than the average pair.`;
}
