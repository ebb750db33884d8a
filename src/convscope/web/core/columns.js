/**
 * The columns of the picture of a network: one for each layer that makes new maps. Layers that keep every map in its
 * place (normalization, activation, dropout, zero padding) belong to the column of the layer before them.
 *
 * @typedef {import("#web/core/network.js").Network} Network
 *
 * @typedef {object} Column
 * @property {number} main the layer that makes the maps; -1 for the image
 * @property {number[]} layers `main` and the layers that belong to it, in order of computation; the image is not listed
 * @property {number} tail the last of them, whose output the column shows; -1 for the image
 * @property {number[]} sources the columns that it reads
 * @property {number[]} shape of its output, `(h, w, c)` or `(units,)`
 * @property {number} maps how many maps or units it has; the image counts as one map
 */

import { kind_of } from "#web/core/layer_kinds.js";
import { consumer_indexes, input_indexes } from "#web/core/network.js";

/**
 * @param {Network} network
 * @returns {Column[]} The image first, the classes last.
 */
export function columns_of(network) {
  /** @type {Column[]} */
  const columns = [{ main: -1, layers: [], tail: -1, sources: [], shape: network.input_shape, maps: 1 }];
  network.layers.forEach((row, index) => {
    const inputs = input_indexes(network, index);
    const before = columns.findIndex(({ tail }) => tail === inputs[0]);
    if (before >= 0 && belongs(network, index, inputs)) {
      columns[before].layers.push(index);
      columns[before].tail = index;
      return;
    }
    const shape = row.output_shape;
    const sources = [...new Set(inputs.map((at) => column_of(columns, at)))];
    columns.push({ main: index, layers: [index], tail: index, sources, shape, maps: shape[shape.length - 1] });
  });
  return columns;
}

/**
 * The column that shows a layer.
 *
 * @param {Column[]} columns
 * @param {number} layer -1 for the image
 * @returns {number}
 */
export function column_of(columns, layer) {
  return columns.findIndex(({ main, layers }) => layer === main || layers.includes(layer));
}

/** Whether a layer keeps the maps of its only input, which no other layer reads. @type {(network: Network, index: number, inputs: number[]) => boolean} */
function belongs(network, index, inputs) {
  const { keeps_positions, keeps_maps } = kind_of(network.layers[index]);
  return inputs.length === 1 && Boolean(keeps_positions || keeps_maps) && consumer_indexes(network, inputs[0]).length === 1;
}
