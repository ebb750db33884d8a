// What to call the inputs of a layer, and the source of one value of a flat input.

import { kind_of } from "#web/core/layer_kinds.js";
import { input_indexes } from "#web/core/network.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/core/network.js").Network} Network */

/** @param {Network} network @param {number} layer @returns {import("#web/layer_kind.d.ts").Names} */
export function names_of(network, layer) {
  const sources = input_indexes(network, layer);
  return {
    inputs: sources.map((at) => (at < 0 ? word("name.image") : network.layers[at].name)),
    origin: (index) => origin(network, sources[0], index),
  };
}

/** The map that one value of a flat layer comes from. @param {Network} network @param {number} layer @param {number} index @returns {string} */
function origin(network, layer, index) {
  if (layer >= 0) {
    const row = network.layers[layer];
    const kind = kind_of(row);
    if (kind.origin) return kind.origin(row, index);
    if (kind.keeps_positions) return origin(network, input_indexes(network, layer)[0], index);
  }
  return word("value.unit", { unit: index });
}
