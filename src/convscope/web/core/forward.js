/**
 * The forward pass: checks, then every layer in order.
 *
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {import("#web/core/network.js").LayerRow} LayerRow
 * @typedef {import("#web/core/network.js").Network} Network
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").LayerActivation} LayerActivation
 * @typedef {import("#web/core/network.js").Activations} Activations
 * @typedef {Record<string, number[]>} Off Output channels, by layer name, that are set to 0 after the activation.
 * @typedef {{run: (image: Tensor, options?: {off?: Off}) => Activations}} Engine
 * @typedef {ReturnType<typeof prepare_layer>} PreparedLayer
 */

import { activation_of } from "#web/core/activations.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { count, input_indexes, weights_of } from "#web/core/network.js";

/**
 * Run a network on one image and keep every activation. For many images `prepare` once and call its `run`.
 *
 * @param {Network} network
 * @param {Weights} weights Every weight of it.
 * @param {Tensor} image `(h, w, c)` of the network's input shape, in [0, 1].
 * @param {{off?: Off}} [options] `off`: by layer name, the output channels that are set to 0 after the activation.
 * @returns {Activations} One entry per layer, in the network's order.
 * @throws {Error} A weight is missing or has another shape, the image has another shape, or `off` names a channel that
 *     does not exist.
 */
export function forward(network, weights, image, { off = {} } = {}) {
  return prepare(network, weights).run(image, { off });
}

/**
 * Check a network's weights and pack them for any number of images.
 *
 * @param {Network} network Its layer kinds are loaded (`load_kinds`).
 * @param {Weights} weights Every weight of it.
 * @returns {Engine} Its `run` does what `forward` does, and throws as it does. Tensors of one result share memory where
 *     a layer changes nothing; results of two runs share none.
 * @throws {Error} A weight is missing or has another shape, or a layer kind is unknown.
 */
export function prepare(network, weights) {
  check_weights(network, weights);
  const layers = network.layers.map((_, index) => prepare_layer(network, weights, index));
  return {
    run: (image, { off = {} } = {}) => {
      check_shape("The image", image, network.input_shape);
      check_off(network, off);
      return run(layers, image, off);
    },
  };
}

/** @param {Network} network @param {Weights} weights @param {number} index */
function prepare_layer(network, weights, index) {
  const row = network.layers[index];
  const step = kind_of(row).forward(row, weights_of(weights, row));
  return { row, step, sources: input_indexes(network, index), activation: activation_of(row) };
}

/** @type {(prepared: PreparedLayer[], image: Tensor, off: Off) => Activations} */
function run(prepared, image, off) {
  /** @type {LayerActivation[]} */
  const layers = [];
  for (const { row: { name, output_shape: shape }, step, sources, activation } of prepared) {
    const { result, depthwise = null } = step(sources.map((at) => (at < 0 ? image : layers[at].output).data));
    let data = activation ? activation.apply(result) : result;
    if (off[name]) data = without(data, shape, off[name]);
    layers.push({ name, output: { shape, data }, pre_activation: activation ? { shape, data: result } : null, depthwise });
  }
  const last = layers[layers.length - 1];
  return { image, layers, logits: (last.pre_activation ?? last.output).data, probabilities: last.output.data };
}

/** @type {(data: Float32Array, shape: number[], channels: number[]) => Float32Array} */
function without(data, shape, channels) {
  const result = data.slice();
  const step = shape[shape.length - 1];
  for (const channel of channels) {
    for (let n = channel; n < result.length; n += step) result[n] = 0;
  }
  return result;
}

/** @type {(network: Network, weights: Weights) => void} */
function check_weights(network, weights) {
  for (const row of network.layers) {
    for (const [name, shape] of Object.entries(kind_of(row).weight_shapes?.(row) ?? {})) {
      check_shape(`${row.name}/${name}`, weights_of(weights, row)(name), shape);
    }
  }
}

/** @type {(what: string, tensor: Tensor | null, shape: number[]) => void} */
function check_shape(what, tensor, shape) {
  const fits = tensor && String(tensor.shape) === String(shape) && tensor.data.length === count(shape);
  if (fits) return;
  const received = tensor ? `shape ${tensor.shape.join("×")} with ${tensor.data.length} numbers` : "nothing";
  throw new Error(`${what} must have shape ${shape.join("×")}. Received: ${received}.`);
}

/** @type {(network: Network, off: Off) => void} */
function check_off(network, off) {
  for (const [name, channels] of Object.entries(off)) {
    const row = network.layers.find((layer) => layer.name === name);
    const size = row?.output_shape[row.output_shape.length - 1] ?? 0;
    const wrong = channels.find((channel) => !Number.isInteger(channel) || channel < 0 || channel >= size);
    if (row && wrong === undefined) continue;
    throw new Error(`Only channels of the network's layers can be off. Received: channel ${wrong} of ${name}.`);
  }
}
