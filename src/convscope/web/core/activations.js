/**
 * Activation functions, with the constants of Keras 3.
 *
 * @typedef {object} Activation
 * @property {string} name Keras's
 * @property {(data: Float32Array) => Float32Array} apply linear gives the same array back
 * @property {(value: number) => number} slope the derivative at a value before the activation; 0 at the corner of a
 *     ReLU, as in TensorFlow
 * @property {() => string} describe what it does, as a sentence; "" for linear
 * @typedef {{logits: number[], largest: number, exponentials: number[], sum: number}} SoftmaxTerms The exponentials
 * are of logit minus the largest logit, which changes nothing after the division and cannot overflow.
 */

import { ACTIVATIONS } from "#web/core/activation_functions.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { word } from "#web/core/words.js";

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

/** @type {Activation} */
const SOFTMAX = {
  name: "softmax",
  apply: (data) => Float32Array.from(softmax(data)),
  slope: () => {
    throw new Error("A softmax has no slope of one value; gradients are taken of logits.");
  },
  describe: () => word("act.softmax"),
};

/**
 * An activation by Keras's name.
 *
 * @param {string} name
 * @returns {Activation}
 * @throws {Error} It is unknown.
 */
export function activation(name) {
  if (name === "softmax") return SOFTMAX;
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
