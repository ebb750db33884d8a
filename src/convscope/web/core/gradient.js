/**
 * The gradient of a class's logit with respect to the image: backpropagation through every layer, sums in float64.
 *
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {import("#web/core/network.js").Network} Network
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").Activations} Activations
 * @typedef {import("#web/core/forward.js").Off} Off
 */

import { activation_of } from "#web/core/activations.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { count, input_indexes, inputs_of, weights_of } from "#web/core/network.js";

/**
 * The gradient of one logit with respect to the image. Batch normalization uses its moving statistics.
 *
 * Source: Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2014. We keep the sign and take the
 * logit, not the probability.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations Of this image, computed with the same `off`.
 * @param {number} class_index
 * @param {{off?: Off}} [options] Channels that are switched off pass no gradient.
 * @returns {Tensor} Of the image's shape, in logits per unit of intensity, signed.
 * @throws {Error} There is no such class.
 */
export function gradient(network, weights, activations, class_index, { off = {} } = {}) {
  const { num_classes, layers } = network;
  if (!(Number.isInteger(class_index) && class_index >= 0 && class_index < num_classes)) {
    throw new Error(`Expected a class from 0 to ${num_classes - 1}. Received: ${class_index}.`);
  }
  const at_image = new Float64Array(count(activations.image.shape));
  /** @type {(Float64Array | undefined)[]} the gradient at each layer's output; undefined where none has arrived */
  const at_output = layers.map(() => undefined);
  at_output[layers.length - 1] = Float64Array.from({ length: num_classes }, (_, k) => Number(k === class_index));
  for (let index = layers.length - 1; index >= 0; index -= 1) {
    const arrived = at_output[index];
    if (!arrived) continue;
    const row = layers[index];
    // the last activation is the softmax, and the logit lies before it
    const inside = index === layers.length - 1 ? arrived : before_activation(network, activations, index, arrived, off);
    const given = { row, weight: weights_of(weights, row), inputs: inputs_of(network, activations, index), gradient: inside };
    kind_of(row).backward(given).forEach((flow, n) => {
      const source = input_indexes(network, index)[n];
      const sum = source < 0 ? at_image : at_output[source];
      if (sum) add(sum, flow);
      else at_output[source] = flow.slice();
    });
  }
  return { shape: [...activations.image.shape], data: Float32Array.from(at_image) };
}

/** @type {(network: Network, activations: Activations, index: number, arrived: Float64Array, off: Off) => Float64Array} */
function before_activation(network, activations, index, arrived, off) {
  const row = network.layers[index];
  const channels = row.output_shape[row.output_shape.length - 1];
  for (const channel of off[row.name] ?? []) {
    for (let at = channel; at < arrived.length; at += channels) arrived[at] = 0;
  }
  const [activation, values] = [activation_of(row), activations.layers[index].pre_activation?.data];
  if (!activation || !values) return arrived;
  return arrived.map((value, at) => (value === 0 ? 0 : value * activation.slope(values[at])));
}

/** @type {(sum: Float64Array, flow: Float64Array) => void} */
function add(sum, flow) {
  for (let at = 0; at < sum.length; at += 1) sum[at] += flow[at];
}
