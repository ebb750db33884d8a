// Layers that are an activation function: the layer itself passes its input on, and the activation follows.

import { softmax_of } from "#web/core/terms.js";
import { value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").LayerKind} LayerKind */
/** @typedef {import("#web/layer_kind.d.ts").ActivationTerms} ActivationTerms */

/**
 * @param {(row: import("#web/core/network.js").LayerRow) => import("#web/core/activations.js").Activation} activation
 * @param {{arguments?: Record<string, unknown>, elementwise?: boolean}} [options] not elementwise: softmax
 * @returns {LayerKind}
 */
export function activation_kind(activation, { arguments: shown = {}, elementwise = true } = {}) {
  return {
    arguments: shown,
    describe: (row) => activation(row).describe() || word("layer.linear"),
    activation,
    forward: () => ([data]) => ({ result: data }),
    backward: ({ gradient }) => [gradient],
    keeps_positions: true,
    elementwise,
    terms(place) {
      const input = value_at(place.inputs[0], place.r, place.c, place.channel);
      return { kind: "activation", activation: activation(place.row).name, input, softmax: softmax_of(place), value: place.value };
    },
    /** @param {ActivationTerms} found */
    explain: (found) => ({
      equation: `${found.activation}(${short(found.input)}) = ${short(found.value)}`,
      parts: found.softmax ? [{ type: "softmax", softmax: found.softmax }] : [],
    }),
  };
}
