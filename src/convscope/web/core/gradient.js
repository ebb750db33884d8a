/**
 * How a class's logit would change with each intensity of the picture: backpropagation through every layer.
 *
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {import("#web/core/network.js").Network} Network
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").Activations} Activations
 * @typedef {import("#web/core/engine.js").Off} Off
 */

import { through_activation, through_layer } from "#web/core/backward.js";
import { activation_of } from "#web/core/network.js";

/**
 * The gradient of one logit with respect to the picture. Batch normalization keeps its moving statistics.
 *
 * Source: Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2014. We keep the sign and take the
 * logit, not the probability.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations Of the picture in question, computed with the same `off`.
 * @param {number} class_index
 * @param {{off?: Off}} [options] Channels that are switched off pass no gradient.
 * @returns {Tensor} Of the picture's shape, in logits per unit of intensity, signed.
 * @throws {Error} There is no such class.
 */
export function gradient(network, weights, activations, class_index, { off = {} } = {}) {
  const { num_classes, layers } = network;
  if (!(Number.isInteger(class_index) && class_index >= 0 && class_index < num_classes)) {
    throw new Error(`Expected a class from 0 to ${num_classes - 1}. Received: ${class_index}.`);
  }
  /** @type {Float64Array} */
  let flow = new Float64Array(num_classes);
  flow[class_index] = 1;
  for (let index = layers.length - 1; index >= 0; index -= 1) {
    const row = layers[index];
    const input = index ? activations.layers[index - 1].output : activations.image;
    const before = activations.layers[index].pre_activation;
    if (index < layers.length - 1) {
      for (const channel of off[row.name] ?? []) silence(flow, channel, row.output_shape[row.output_shape.length - 1]);
      // the last activation is the softmax, and the logit lies before it
      if (before) flow = through_activation(activation_of(row) ?? "linear", before.data, flow);
    }
    flow = through_layer(row, weights, input.data, flow);
  }
  return { shape: [...activations.image.shape], data: Float32Array.from(flow) };
}

/** @type {(flow: Float64Array, channel: number, step: number) => void} */
function silence(flow, channel, step) {
  for (let index = channel; index < flow.length; index += step) flow[index] = 0;
}
