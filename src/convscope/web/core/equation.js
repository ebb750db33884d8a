// One value of a window's output as an equation.

import { format_factor, format_number } from "#web/core/number_format.js";

/** @typedef {import("#web/layer_kind.d.ts").ConvolutionTerms} ConvolutionTerms */
/** @typedef {import("#web/layer_kind.d.ts").PoolingTerms} PoolingTerms */

/** A kernel of 7×7 is written out in full. */
const MAX_SHOWN = 49;

/**
 * @param {ConvolutionTerms|PoolingTerms} found
 * @returns {string} "1×2 + 0×3 + … = 7", "max(1, 5) = 5", "(1 + 5) / 2 = 3"; the middle of a longer sum is omitted
 */
export function equation_text(found) {
  const result = format_number(found.value);
  if (found.kind === "convolution") {
    const products = found.channels.flatMap(({ taps }) => taps.flat()).map(({ pixel, weight }) => `${format_factor(pixel)}×${format_factor(weight)}`);
    const bias = found.bias ? ` ${found.bias < 0 ? "−" : "+"} ${format_number(Math.abs(found.bias))} (bias)` : "";
    return `${joined(products, " + ")}${bias} = ${result}${counted(products.length, "product")}`;
  }
  const count = found.pixels.length;
  const largest = found.winner !== null;
  const numbers = joined(found.pixels.map(({ value }) => (largest ? format_number : format_factor)(value)), largest ? ", " : " + ");
  return `${largest ? `max(${numbers})` : `(${numbers}) / ${count}`} = ${result}${counted(count, "number")}`;
}

/** @param {string[]} parts @param {string} joint */
function joined(parts, joint) {
  const kept = parts.length > MAX_SHOWN ? [...parts.slice(0, MAX_SHOWN - 1), "…", parts[parts.length - 1]] : parts;
  return kept.join(joint);
}

/** @param {number} count @param {string} noun */
const counted = (count, noun) => (count > MAX_SHOWN ? ` (${count} ${noun}s)` : "");
