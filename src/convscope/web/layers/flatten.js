// Flatten: all maps as one vector, pixel by pixel.

import { place_of } from "#web/core/network.js";
import { short } from "#web/core/scale.js";

/** @typedef {import("#web/layer_kind.d.ts").CopyTerms} CopyTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: {},
  describe: () => "The maps are reshaped to one vector.",
  forward: () => ([data]) => ({ result: data }),
  backward: ({ gradient }) => [gradient],
  unit_source: ({ input_shape }, index) => place_of(index, input_shape),
  origin({ input_shape }, index) {
    const { row, column, channel } = place_of(index, input_shape);
    return input_shape.length === 3 ? `map ${channel} (${row}, ${column})` : `value ${index}`;
  },
  terms: ({ row, inputs, channel, value }) => ({ kind: "copy", ...place_of(channel, row.input_shape), input: inputs[0].data[channel], inside: true, value }),
  /** @param {CopyTerms} found */
  explain: ({ value, channel, row, column }, names) => ({
    equation: `${short(value)}, from map ${channel}, row ${row}, column ${column} of ${names.inputs[0]}`,
    parts: [],
  }),
  /** @param {CopyTerms} found */
  strongest_channel: ({ channel }) => channel,
};
