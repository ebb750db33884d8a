/**
 * Activation functions, with the constants of Keras 3.
 *
 * @typedef {object} Activation
 * @property {string} name Keras's
 * @property {(data: Float32Array) => Float32Array} apply linear gives the same array back
 * @property {(value: number) => number} slope the derivative at a value before the activation; 0 at the corner of a
 *     ReLU, as in TensorFlow
 * @property {string} description what it does, as a sentence; "" for linear
 * @typedef {{logits: number[], largest: number, exponentials: number[], sum: number}} SoftmaxTerms The exponentials
 * are of logit minus the largest logit, which changes nothing after the division and cannot overflow.
 */

import { kind_of } from "#web/core/layer_kinds.js";

/**
 * Logits to probabilities.
 *
 * @param {ArrayLike<number>} logits
 * @param {number} [temperature] above 0; 1 changes nothing
 * @returns {Float64Array} sums to 1
 */
export function softmax(logits, temperature = 1) {
  const { exponentials, sum } = softmax_terms(logits, temperature);
  return Float64Array.from(exponentials, (power) => power / sum);
}

/**
 * The exponentials of a softmax and their sum.
 *
 * @param {ArrayLike<number>} logits
 * @param {number} [temperature]
 * @returns {SoftmaxTerms}
 */
export function softmax_terms(logits, temperature = 1) {
  const values = Array.from(logits);
  const largest = values.reduce((best, logit) => Math.max(best, logit), -Infinity);
  const exponentials = values.map((logit) => Math.exp((logit - largest) / temperature));
  return { logits: values, largest, exponentials, sum: exponentials.reduce((total, power) => total + power, 0) };
}

/**
 * A leaky ReLU with a slope of its own.
 *
 * @param {number} negative_slope
 * @returns {Activation}
 */
export function leaky_relu(negative_slope) {
  return {
    name: "leaky_relu",
    apply: (data) => data.map((value) => (value < 0 ? negative_slope * value : value)),
    slope: (value) => (value > 0 ? 1 : negative_slope),
    description: `Leaky ReLU: negative values are multiplied by ${negative_slope}.`,
  };
}

/** @type {Record<string, Activation>} */
const ACTIVATIONS = {
  linear: { name: "linear", apply: (data) => data, slope: () => 1, description: "" },
  relu: { name: "relu", apply: rectify, slope: (value) => (value > 0 ? 1 : 0), description: "ReLU: negative values become 0." },
  leaky_relu: leaky_relu(0.2),
  elu: {
    name: "elu",
    apply: (data) => data.map((value) => (value < 0 ? Math.expm1(value) : value)),
    slope: (value) => (value > 0 ? 1 : Math.exp(value)),
    description: "ELU: negative values x become exp(x) − 1.",
  },
  silu: {
    name: "silu",
    apply: (data) => data.map((value) => value * sigmoid(value)),
    slope: (value) => sigmoid(value) * (1 + value * (1 - sigmoid(value))),
    description: "SiLU: each value is multiplied by its sigmoid.",
  },
  sigmoid: {
    name: "sigmoid",
    apply: (data) => data.map(sigmoid),
    slope: (value) => sigmoid(value) * (1 - sigmoid(value)),
    description: "Sigmoid: each value is mapped to the range 0 to 1.",
  },
  tanh: {
    name: "tanh",
    apply: (data) => data.map(Math.tanh),
    slope: (value) => 1 - Math.tanh(value) ** 2,
    description: "Tanh: each value is mapped to the range −1 to 1.",
  },
  softmax: {
    name: "softmax",
    apply: (data) => Float32Array.from(softmax(data)),
    slope: () => {
      throw new Error("A softmax has no slope of one value; gradients are taken of logits.");
    },
    description: "Softmax: the logits become probabilities that sum to 1.",
  },
};

/**
 * An activation by Keras's name.
 *
 * @param {string} name
 * @returns {Activation}
 * @throws {Error} It is unknown.
 */
export function activation(name) {
  if (!Object.hasOwn(ACTIVATIONS, name)) throw new Error(`This page cannot compute this activation. Received: activation=${name}.`);
  return ACTIVATIONS[name];
}

/**
 * The activation that a layer ends with or is.
 *
 * @param {import("#web/core/network.js").LayerRow} row
 * @returns {Activation | null} null for a layer that has none, such as pooling
 */
export function activation_of(row) {
  const own = kind_of(row).activation;
  if (own) return own(row);
  return row.config.activation ? activation(row.config.activation) : null;
}

/** Written so that NaN stays NaN. @type {(data: Float32Array) => Float32Array} */
function rectify(data) {
  const result = new Float32Array(data.length);
  for (let n = 0; n < data.length; n += 1) result[n] = data[n] < 0 ? 0 : data[n];
  return result;
}

/** The exponential of a negative number only: it may vanish but cannot overflow. @type {(value: number) => number} */
function sigmoid(value) {
  const power = Math.exp(-Math.abs(value));
  return (value >= 0 ? 1 : power) / (1 + power);
}
