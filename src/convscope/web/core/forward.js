/**
 * The forward pass, with checks: the door around `engine.js`, which holds the arithmetic of every layer.
 *
 * `engine.js` is a file of its own because a Web Worker made from a Blob can import nothing: its text is all that the
 * worker gets. Everything else imports this file.
 *
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {import("#web/core/network.js").Network} Network
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").Activations} Activations
 * @typedef {import("#web/core/engine.js").Engine} Engine
 * @typedef {import("#web/core/engine.js").Off} Off
 */

import { create_engine } from "#web/core/engine.js";
import { count, weight_shapes } from "#web/core/network.js";

/**
 * Run a network on one picture and keep every activation. For many pictures `prepare` once and call its `run`.
 *
 * @param {Network} network
 * @param {Weights} weights Every weight of it.
 * @param {Tensor} image `(h, w, c)` of the network's input shape, in [0, 1].
 * @param {{off?: Off}} [options] `off`: by layer name, the output channels that are set to 0 after the activation.
 * @returns {Activations} One entry a layer, in the order of the shape table.
 * @throws {Error} A weight is missing or has another shape, the image has another shape, or `off` names what is not
 *     there.
 */
export function forward(network, weights, image, { off = {} } = {}) {
  return prepare(network, weights).run(image, { off });
}

/**
 * Check a network's weights and pack them for any number of pictures.
 *
 * @param {Network} network
 * @param {Weights} weights Every weight of it.
 * @returns {Engine} Its `run` does what `forward` does, and throws as it does.
 * @throws {Error} A weight is missing or has another shape.
 */
export function prepare(network, weights) {
  check_weights(network, weights);
  const engine = create_engine(network, weights);
  return {
    run: (image, options = {}) => {
      check_shape("The image", image, network.input_shape);
      check_off(network, options.off ?? {});
      return engine.run(image, options);
    },
  };
}

/** @type {(network: Network, weights: Weights) => void} */
function check_weights(network, weights) {
  for (const row of network.layers) {
    for (const [name, shape] of Object.entries(weight_shapes(row))) {
      check_shape(`${row.name}/${name}`, weights[`${row.name}/${name}`], shape);
    }
  }
}

/** @type {(what: string, tensor: Tensor | undefined, shape: number[]) => void} */
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
