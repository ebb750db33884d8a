// Whether a claim about confused pairs holds for a run, in one sentence.

/**
 * @typedef {{
 *   rank: number, first: number, second: number, first_name: string, second_name: string, first_as_second: number,
 *   second_as_first: number, errors: number, p_value: number, distinguishable: boolean,
 *   rate: import("#web/core/evaluation.js").Proportion,
 * }} Pair
 */

/**
 * @param {Pair[]} pairs the claimed ones, at least one
 * @returns {string}
 */
export function claim_verdict(pairs) {
  const holding = pairs.filter((pair) => pair.distinguishable);
  if (holding.length === pairs.length) return "For this run that holds: each stands out from the average pair.";
  if (holding.length === 0) return "For this run that cannot be shown: none of them stands out from the average pair.";
  const names = holding.map((pair) => `(${pair.first_name}, ${pair.second_name})`).join(" and ");
  return `For this run that holds in part: only ${names} ${holding.length === 1 ? "stands" : "stand"} out from the average pair.`;
}
