// One number of a window's output as a sum that can be added up on paper.

import { factor, numeral } from "#web/core/numeral.js";

/** @typedef {import("#web/core/terms.js").ConvolutionTerms} ConvolutionTerms */
/** @typedef {import("#web/core/terms.js").PoolingTerms} PoolingTerms */

/** As many products as a person reads: a kernel of 7×7 is written out. */
const WRITTEN = 49;

/**
 * @param {ConvolutionTerms|PoolingTerms} found
 * @returns {string} "1×2 + 0×3 + … = 7", "max(1, 5) = 5", "(1 + 5) / 2 = 3"; the middle of a longer sum is left out
 */
export function sum_in_words(found) {
  const result = numeral(found.value);
  if (found.kind === "convolution") {
    const products = found.channels.flatMap(({ taps }) => taps.flat()).map(({ pixel, weight }) => `${factor(pixel)}×${factor(weight)}`);
    const bias = found.bias ? ` ${found.bias < 0 ? "−" : "+"} ${numeral(Math.abs(found.bias))} (bias)` : "";
    return `${joined(products, " + ")}${bias} = ${result}${counted(products.length, "product")}`;
  }
  const count = found.pixels.length;
  const largest = found.winner !== null;
  const numbers = joined(found.pixels.map(({ value }) => (largest ? numeral : factor)(value)), largest ? ", " : " + ");
  return `${largest ? `max(${numbers})` : `(${numbers}) / ${count}`} = ${result}${counted(count, "number")}`;
}

/** @param {string[]} parts @param {string} joint */
function joined(parts, joint) {
  const kept = parts.length > WRITTEN ? [...parts.slice(0, WRITTEN - 1), "…", parts[parts.length - 1]] : parts;
  return kept.join(joint);
}

/** @param {number} count @param {string} noun */
const counted = (count, noun) => (count > WRITTEN ? ` (${count} ${noun}s)` : "");
