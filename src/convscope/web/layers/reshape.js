// Reshape: the same values in another shape.

import { place_of } from "#web/core/network.js";
import { by } from "#web/core/layer_descriptions.js";
import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").CopyTerms} CopyTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: { target_shape: undefined },
  describe: ({ input_shape, output_shape }) => word("layer.reshape", { from: by(input_shape), to: by(output_shape) }),
  forward: () => ([data]) => ({ result: data }),
  backward: ({ gradient }) => [gradient],
  input_span: ({ input_shape, output_shape }, span) =>
    (by(input_shape) === by(output_shape) ? span : { r0: 0, r1: input_shape[0] - 1, c0: 0, c1: input_shape[1] - 1 }),
  unit_source: ({ input_shape, output_shape }, index) => (output_shape.length === 1 ? place_of(index, input_shape) : null),
  origin({ input_shape }, index) {
    const { row, column, channel } = place_of(index, input_shape);
    return input_shape.length === 3 ? word("name.map_at", { map: channel, row, column }) : word("name.value", { index });
  },
  terms({ row: { input_shape, output_shape: shape }, inputs, r, c, channel, value }) {
    const index = shape.length === 3 ? (r * shape[1] + c) * shape[2] + channel : channel;
    return { kind: "copy", ...place_of(index, input_shape), input: inputs[0].data[index], inside: true, value };
  },
  /** @param {CopyTerms} found */
  explain: ({ value, channel, row, column }, names) => ({
    equation: word("layer.from_map", { value: short(value), map: channel, row, column, name: names.inputs[0] }),
    parts: [],
  }),
  /** @param {CopyTerms} found */
  strongest_channel: ({ channel }) => channel,
};
