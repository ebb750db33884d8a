// Flatten: all maps as one vector, pixel by pixel.

import { place_of } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").CopyTerms} CopyTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: {},
  describe: () => word("layer.flatten"),
  forward: () => ([data]) => ({ result: data }),
  backward: ({ gradient }) => [gradient],
  unit_source: ({ input_shape }, index) => place_of(index, input_shape),
  origin({ input_shape }, index) {
    const { row, column, channel } = place_of(index, input_shape);
    return input_shape.length === 3 ? word("name.map_at", { map: channel, row, column }) : word("name.value", { index });
  },
  terms: ({ row, inputs, channel, value }) => ({ kind: "copy", ...place_of(channel, row.input_shape), input: inputs[0].data[channel], inside: true, value }),
  /** @param {CopyTerms} found */
  explain: ({ value, channel, row, column }, names) => ({
    equation: word("layer.from_map", { value: short(value), map: channel, row, column, name: names.inputs[0] }),
    parts: [],
  }),
  /** @param {CopyTerms} found */
  strongest_channel: ({ channel }) => channel,
};
