/**
 * How much each value of the network contributes to the logit of one class, for one image.
 *
 * Every layer is taken as linear for this image: a convolution is; a pooling layer passes on the values that it used; an
 * activation multiplies each value by (output − output for 0) / input; a normalization keeps its mean and variance. The
 * contribution of a value is then value × multiplier, and what no input accounts for (biases, shifts of a normalization)
 * is kept as a constant of its layer. Contributions and constants sum to the logit exactly.
 *
 * Source: Bach et al., "On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
 * propagation", 2015, rule LRP-0. We keep the constants instead of distributing them; for networks of convolutions, ReLU
 * and max pooling the multipliers are the gradient.
 *
 * @typedef {import("#web/core/network.js").Network} Network
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").Activations} Activations
 * @typedef {import("#web/core/forward.js").Off} Off
 *
 * @typedef {object} Contributions
 * @property {number} logit of the class
 * @property {(Float64Array|null)[]} at_output for each layer the multipliers of its output, in logits per unit; null where
 *     nothing depends on it
 * @property {(Float64Array|null)[]} before_activation the same for the values before the activation
 * @property {Float64Array} at_image multipliers of the image
 * @property {number[]} constants what each layer adds to the logit whatever its inputs are
 */

import { activation_of } from "#web/core/activations.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { input_indexes, inputs_of, weights_of } from "#web/core/network.js";

/** Inputs nearer to 0 than this take the derivative instead of the quotient. */
const TINY = 1e-12;

/**
 * Contributions to one logit.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations Of this image, computed with the same `off`.
 * @param {number} class_index
 * @param {{off?: Off}} [options] Channels that are switched off contribute nothing.
 * @returns {Contributions}
 * @throws {Error} There is no such class.
 */
export function contributions(network, weights, activations, class_index, options) {
  const steps = contribution_steps(network, weights, activations, class_index, options);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * The same, layer by layer, so that a page stays responsive.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations
 * @param {number} class_index
 * @param {{off?: Off}} [options]
 * @returns {Generator<void, Contributions>}
 */
export function* contribution_steps(network, weights, activations, class_index, { off = {} } = {}) {
  const { num_classes, layers } = network;
  if (!(Number.isInteger(class_index) && class_index >= 0 && class_index < num_classes)) {
    throw new Error(`Expected a class from 0 to ${num_classes - 1}. Received: ${class_index}.`);
  }
  const last = layers.length - 1;
  /** @type {Contributions} */
  const found = {
    logit: activations.logits[class_index], at_output: layers.map(() => null), before_activation: layers.map(() => null),
    at_image: new Float64Array(activations.image.data.length), constants: layers.map(() => 0),
  };
  for (let index = last; index >= 0; index -= 1) {
    const arrived = index === last ? one_hot(num_classes, class_index) : found.at_output[index];
    if (!arrived) continue;
    found.at_output[index] = arrived;
    // the last activation is the softmax, and the logit lies before it
    const inside = index === last ? arrived : through_activation(network, activations, index, arrived, off);
    found.before_activation[index] = inside;
    const inputs = inputs_of(network, activations, index);
    const flows = through_layer(network, weights, activations, index, inside);
    const given = index === last ? activations.logits : activations.layers[index].output.data;
    found.constants[index] = product(given, arrived) - flows.reduce((sum, flow, n) => sum + product(inputs[n].data, flow), 0);
    input_indexes(network, index).forEach((source, n) => {
      const sum = source < 0 ? found.at_image : found.at_output[source];
      if (sum) for (let at = 0; at < sum.length; at += 1) sum[at] += flows[n][at];
      else found.at_output[source] = flows[n].slice();
    });
    yield;
  }
  return found;
}

/**
 * The multipliers at each input of a layer, given those of its values before the activation.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations
 * @param {number} index
 * @param {Float64Array} gradient
 * @returns {Float64Array[]}
 */
export function through_layer(network, weights, activations, index, gradient) {
  const row = network.layers[index];
  const { backward, linearized = backward } = kind_of(row);
  return linearized({ row, weight: weights_of(weights, row), inputs: inputs_of(network, activations, index), gradient });
}

/** @type {(network: Network, activations: Activations, index: number, arrived: Float64Array, off: Off) => Float64Array} */
function through_activation(network, activations, index, arrived, off) {
  const row = network.layers[index];
  const activation = activation_of(row);
  const { output, pre_activation } = activations.layers[index];
  const channels = row.output_shape[row.output_shape.length - 1];
  const silent = new Set(off[row.name] ?? []);
  const factor = quotients(activation, pre_activation?.data ?? null, output.data);
  if (!silent.size && !factor) return arrived;
  return arrived.map((value, at) => (silent.has(at % channels) ? 0 : value * (factor ? factor(at) : 1)));
}

/** @type {(activation: import("#web/core/activations.js").Activation | null, before: Float32Array | null, after: Float32Array) => ((at: number) => number) | null} */
function quotients(activation, before, after) {
  if (!activation || !before || activation.name === "linear") return null;
  if (activation.name === "softmax") return () => 0; // not a function of one value: all of it is a constant
  const [zero] = activation.apply(new Float32Array(1));
  return (at) => (Math.abs(before[at]) > TINY ? (after[at] - zero) / before[at] : activation.slope(before[at]));
}

/**
 * What each map contributes: the sum of value × multiplier over its pixels.
 *
 * @param {ArrayLike<number>} values `(h, w, c)` with channels fastest, or `(units,)`.
 * @param {Float64Array | null} multipliers null for none
 * @param {number} channels
 * @returns {Float64Array} One number per channel.
 */
export function sum_maps(values, multipliers, channels) {
  const sums = new Float64Array(channels);
  if (!multipliers) return sums;
  for (let at = 0, channel = 0; at < multipliers.length; at += 1) {
    sums[channel] += values[at] * multipliers[at];
    if (++channel === channels) channel = 0;
  }
  return sums;
}

/** @type {(length: number, one: number) => Float64Array} */
const one_hot = (length, one) => Float64Array.from({ length }, (_, at) => Number(at === one));

/** @type {(values: ArrayLike<number>, multipliers: Float64Array) => number} */
function product(values, multipliers) {
  let sum = 0;
  for (let at = 0; at < multipliers.length; at += 1) sum += values[at] * multipliers[at];
  return sum;
}
