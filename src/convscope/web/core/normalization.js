// The equation shared by batch and layer normalization.

import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").NormalizationTerms} NormalizationTerms */

/**
 * @param {NormalizationTerms} found
 * @param {string} statistics where mean and variance come from, as a sentence
 * @returns {import("#web/layer_kind.d.ts").Explanation}
 */
export function explain_normalization({ gamma, input, mean, variance, epsilon, beta, value }, statistics) {
  return {
    equation: `${short(gamma)} × (${short(input)} − ${short(mean)}) / √(${short(variance)} + ${epsilon}) + ${short(beta)} = ${short(value)}`,
    parts: [{ type: "text", text: word("layer.normalized", { statistics }) }],
  };
}
