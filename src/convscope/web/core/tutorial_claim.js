// Whether the tutorial's claim about confused pairs holds for this run.

import { counted, word } from "#web/core/words.js";

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
  if (holding.length === pairs.length) return word("claim.all");
  if (holding.length === 0) return word("claim.none");
  const names = holding.map((pair) => `(${pair.first_name}, ${pair.second_name})`).reduce((first, second) => word("and", { first, second }));
  return counted("claim.some", holding.length, { pairs: names });
}
