/**
 * Every activation of the vocabulary, with the constants of Keras 3. A softmax is computed over all logits, by
 * `activations.js`.
 *
 * @typedef {import("#web/core/activations.js").Activation} Activation
 */

import { word } from "#web/core/words.js";

/**
 * A function of one value.
 * @param {string} name @param {(value: number) => number} compute @param {(value: number) => number} slope
 * @param {() => string} describe
 * @returns {Activation}
 */
const each = (name, compute, slope, describe) => ({ name, apply: (data) => data.map(compute), slope, describe });

/**
 * A leaky ReLU with a slope of its own.
 *
 * @param {number} negative_slope
 * @returns {Activation}
 */
export function leaky_relu(negative_slope) {
  return each(
    "leaky_relu", (value) => (value < 0 ? negative_slope * value : value), (value) => (value > 0 ? 1 : negative_slope),
    () => word("act.leaky", { slope: negative_slope }),
  );
}

// Klambauer et al., "Self-normalizing neural networks", 2017
const [SELU_SCALE, SELU_ALPHA] = [1.0507009873554805, 1.6732632423543772];

// Chebyshev fit of erfc, relative error below 1.2e-7: Press et al., "Numerical recipes", section 6.2
const TAIL = [
  0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
];

/** The fraction of a normal distribution below a value. @type {(value: number) => number} */
function normal_cdf(value) {
  const size = Math.abs(value) / Math.SQRT2;
  const t = 1 / (1 + size / 2);
  const tail = (t * Math.exp(TAIL.reduce((sum, factor) => sum * t + factor, 0) - size * size)) / 2;
  return value < 0 ? tail : 1 - tail;
}

/** The exponential of a negative number only: it may vanish but cannot overflow. @type {(value: number) => number} */
function sigmoid(value) {
  const power = Math.exp(-Math.abs(value));
  return (value >= 0 ? 1 : power) / (1 + power);
}

/** A loop, because this is the most frequent one. Written so that NaN stays NaN. @type {(data: Float32Array) => Float32Array} */
function rectify(data) {
  const result = new Float32Array(data.length);
  for (let n = 0; n < data.length; n += 1) result[n] = data[n] < 0 ? 0 : data[n];
  return result;
}

/** Written so that NaN stays NaN. @type {(value: number) => number} */
const hard_sigmoid = (value) => (value < -3 ? 0 : value > 3 ? 1 : value / 6 + 0.5);

/** @type {(value: number) => number} */
const softplus = (value) => (value > 0 ? value : 0) + Math.log1p(Math.exp(-Math.abs(value)));

/** @type {(value: number, low: number, high: number) => number} */
const inside = (value, low, high) => Number(value > low && value < high);

/** @type {(value: number) => number} */
function mish_slope(value) {
  const bent = Math.tanh(softplus(value));
  return bent + value * sigmoid(value) * (1 - bent * bent);
}

/** @type {Record<string, Activation>} */
export const ACTIVATIONS = {
  linear: { name: "linear", apply: (data) => data, slope: () => 1, describe: () => "" },
  relu: { name: "relu", apply: rectify, slope: (value) => (value > 0 ? 1 : 0), describe: () => word("layer.relu") },
  relu6: each(
    "relu6", (value) => (value < 0 ? 0 : value > 6 ? 6 : value), (value) => inside(value, 0, 6),
    () => word("act.relu6"),
  ),
  leaky_relu: leaky_relu(0.2),
  elu: each(
    "elu", (value) => (value < 0 ? Math.expm1(value) : value), (value) => (value > 0 ? 1 : Math.exp(value)),
    () => word("act.elu"),
  ),
  selu: each(
    "selu", (value) => SELU_SCALE * (value < 0 ? SELU_ALPHA * Math.expm1(value) : value),
    (value) => SELU_SCALE * (value > 0 ? 1 : SELU_ALPHA * Math.exp(value)),
    () => word("act.selu"),
  ),
  gelu: each(
    "gelu", (value) => value * normal_cdf(value),
    (value) => normal_cdf(value) + (value * Math.exp((-value * value) / 2)) / Math.sqrt(2 * Math.PI),
    () => word("act.gelu"),
  ),
  silu: each(
    "silu", (value) => value * sigmoid(value), (value) => sigmoid(value) * (1 + value * (1 - sigmoid(value))),
    () => word("act.silu"),
  ),
  hard_silu: each(
    "hard_silu", (value) => value * hard_sigmoid(value), (value) => hard_sigmoid(value) + (value * inside(value, -3, 3)) / 6,
    () => word("act.hard_silu"),
  ),
  mish: each("mish", (value) => value * Math.tanh(softplus(value)), mish_slope, () => word("act.mish")),
  softplus: each("softplus", softplus, sigmoid, () => word("act.softplus")),
  softsign: each(
    "softsign", (value) => value / (1 + Math.abs(value)), (value) => 1 / (1 + Math.abs(value)) ** 2,
    () => word("act.softsign"),
  ),
  sigmoid: each(
    "sigmoid", sigmoid, (value) => sigmoid(value) * (1 - sigmoid(value)), () => word("act.sigmoid"),
  ),
  hard_sigmoid: each(
    "hard_sigmoid", hard_sigmoid, (value) => inside(value, -3, 3) / 6, () => word("act.hard_sigmoid"),
  ),
  tanh: each("tanh", Math.tanh, (value) => 1 - Math.tanh(value) ** 2, () => word("act.tanh")),
};
