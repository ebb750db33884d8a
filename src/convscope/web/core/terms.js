// One output value of any layer, written out: everything needed to add it up by hand.

import { activation_of, softmax_terms } from "#web/core/activations.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { inputs_of, value_at, weights_of } from "#web/core/network.js";
import { short } from "#web/core/scale.js";

/** @typedef {import("#web/layer_kind.d.ts").Terms} Terms */
/** @typedef {import("#web/layer_kind.d.ts").Ending} Ending */
/** @typedef {import("#web/layer_kind.d.ts").Place} Place */
/** @typedef {import("#web/core/network.js").Network} Network */
/** @typedef {import("#web/core/network.js").Weights} Weights */
/** @typedef {import("#web/core/network.js").Activations} Activations */
/** @typedef {import("#web/core/activations.js").SoftmaxTerms} SoftmaxTerms */

/**
 * Write out one output value.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations Of this image.
 * @param {number} layer_index
 * @param {number} r Output row; of no meaning where there are no rows.
 * @param {number} c Output column.
 * @param {number} channel Output channel, or unit.
 * @param {{limit?: number}} [options] How many of a dense unit's contributions are listed.
 * @returns {Terms} `value` is the one in the activations, 0 for a filter that is off.
 * @throws {Error} There is no such layer or value.
 */
export function terms(network, weights, activations, layer_index, r, c, channel, { limit = 12 } = {}) {
  const row = network.layers[layer_index];
  if (!row || !has(row.output_shape, r, c, channel)) {
    const received = `layer ${layer_index}, row ${r}, column ${c}, channel ${channel}`;
    throw new Error(`Expected a value of the network. Received: ${received}.`);
  }
  const { output, pre_activation } = activations.layers[layer_index];
  return kind_of(row).terms({
    row, weight: weights_of(weights, row), inputs: inputs_of(network, activations, layer_index), r, c, channel,
    value: value_at(output, r, c, channel), pre_activation: pre_activation?.data ?? null, limit,
  });
}

/**
 * Bias, activation and softmax of a layer that sums products.
 *
 * @param {Place} place
 * @param {number} products the sum of the products
 * @returns {Ending}
 */
export function ending_of({ row, weight, channel, value }, products) {
  const bias = weight("bias")?.data[channel] ?? 0;
  return { bias, sum: products + bias, activation: activation_of(row)?.name ?? "linear", value };
}

/**
 * @param {Place} place
 * @returns {SoftmaxTerms | null} null for a layer that does not end with a softmax
 */
export function softmax_of({ row, pre_activation }) {
  return activation_of(row)?.name === "softmax" && pre_activation ? softmax_terms(pre_activation) : null;
}

/**
 * "2.5 + 0.1 = 2.6 → relu → 2.6": the products, the bias, the activation.
 *
 * @param {Ending} ending
 * @returns {string}
 */
export function ending_equation({ bias, sum, activation, value }) {
  const line = `${short(sum - bias)} ${bias < 0 ? "−" : "+"} ${short(Math.abs(bias))} = ${short(sum)}`;
  return activation === "linear" ? line : `${line}  →  ${activation}  →  ${short(value)}`;
}

/** @type {(shape: number[], r: number, c: number, channel: number) => boolean} */
function has(shape, r, c, channel) {
  const flat = shape.length !== 3 || (r >= 0 && r < shape[0] && c >= 0 && c < shape[1]);
  return flat && channel >= 0 && channel < shape[shape.length - 1];
}
