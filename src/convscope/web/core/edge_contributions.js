/**
 * What flows along the edges between the maps of two layers.
 *
 * @typedef {import("#web/core/network.js").Network} Network
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").Activations} Activations
 */

import { sum_maps, through_layer } from "#web/core/contributions.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { input_indexes, inputs_of, weights_of } from "#web/core/network.js";

/**
 * What each input map of a layer contributes through one of its output maps.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations
 * @param {number} index
 * @param {number} channel Output map, or unit.
 * @param {Float64Array} [multipliers] Of the layer's values before the activation; all 1 by default: the contributions
 *     are then to the sum of the map's values.
 * @returns {Float64Array[]} For each input, one number per channel.
 */
export function edge_contributions(network, weights, activations, index, channel, multipliers) {
  const { output_shape } = network.layers[index];
  const step = output_shape[output_shape.length - 1];
  const only = new Float64Array(activations.layers[index].output.data.length);
  for (let at = channel; at < only.length; at += step) only[at] = multipliers ? multipliers[at] : 1;
  const flows = through_layer(network, weights, activations, index, only);
  return inputs_of(network, activations, index).map(({ shape, data }, n) => sum_maps(data, flows[n], shape[shape.length - 1]));
}

/**
 * What one input map adds to the sum of each output map, before the activation.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations
 * @param {number} index
 * @param {number} source Layer of the input, -1 for the image.
 * @param {number} channel Map of it; -1 for all.
 * @returns {Float64Array} One number per output map.
 */
export function reader_contributions(network, weights, activations, index, source, channel) {
  const row = network.layers[index];
  const step = kind_of(row).forward(row, weights_of(weights, row));
  const sources = input_indexes(network, index);
  const inputs = inputs_of(network, activations, index);
  const none = inputs.map(({ data }) => new Float32Array(data.length));
  const only = inputs.map(({ data, shape }, n) => {
    const channels = shape[shape.length - 1];
    return sources[n] === source ? data.map((value, at) => (channel < 0 || at % channels === channel ? value : 0)) : none[n];
  });
  const [all, constant] = [step(only).result, step(none).result];
  const channels = row.output_shape[row.output_shape.length - 1];
  return sum_maps(all, new Float64Array(all.length).fill(1), channels).map((sum, at) => sum - all_of(constant, at, channels));
}

/** @type {(values: Float32Array, channel: number, channels: number) => number} */
function all_of(values, channel, channels) {
  let sum = 0;
  for (let at = channel; at < values.length; at += channels) sum += values[at];
  return sum;
}
