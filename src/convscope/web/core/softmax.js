// Logits to probabilities at the temperature that was fitted on the validation split.

/**
 * @param {ArrayLike<number>} logits
 * @param {number} temperature above 0; 1 changes nothing
 * @returns {Float64Array} sums to 1
 */
export function probabilities_at(logits, temperature) {
  const most = Math.max(...Array.from(logits));
  const powers = Float64Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}
