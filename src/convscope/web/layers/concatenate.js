// Concatenate: the channels of its inputs, one after the other.

import { value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { listed, word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").CopyTerms} CopyTerms */

/** How many pixels the output has; a vector counts as one. @param {number[]} shape */
const pixels_of = (shape) => (shape.length === 3 ? shape[0] * shape[1] : 1);

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: {},
  describe: ({ inputs = [], output_shape }) =>
    word(output_shape.length === 3 ? "layer.concatenate_maps" : "layer.concatenate_values", { inputs: listed(inputs) }),
  forward({ output_shape }) {
    const [pixels, channels] = [pixels_of(output_shape), output_shape[output_shape.length - 1]];
    return (inputs) => {
      const result = new Float32Array(pixels * channels);
      let start = 0;
      for (const data of inputs) {
        const own = data.length / pixels;
        for (let pixel = 0; pixel < pixels; pixel += 1) result.set(data.subarray(pixel * own, (pixel + 1) * own), pixel * channels + start);
        start += own;
      }
      return { result };
    };
  },
  backward({ row: { output_shape }, inputs, gradient }) {
    const [pixels, channels] = [pixels_of(output_shape), output_shape[output_shape.length - 1]];
    let start = 0;
    return inputs.map(({ shape }) => {
      const own = shape[shape.length - 1];
      const result = new Float64Array(pixels * own);
      for (let pixel = 0; pixel < pixels; pixel += 1) {
        const from = pixel * channels + start;
        result.set(gradient.subarray(from, from + own), pixel * own);
      }
      start += own;
      return result;
    });
  },
  terms({ inputs, r, c, channel, value }) {
    let [source, own] = [0, channel];
    while (own >= inputs[source].shape[inputs[source].shape.length - 1]) {
      own -= inputs[source].shape[inputs[source].shape.length - 1];
      source += 1;
    }
    return { kind: "copy", source, input: value_at(inputs[source], r, c, own), row: r, column: c, channel: own, inside: true, value };
  },
  /** @param {CopyTerms} found */
  explain: ({ source = 0, channel, value }, names) => ({ equation: word("layer.from_channel", { value: short(value), channel, name: names.inputs[source] }), parts: [] }),
  origin: (row, index) => word("name.value", { index }),
  /** @param {CopyTerms} found */
  strongest_input: ({ source = 0 }) => source,
  /** @param {CopyTerms} found */
  strongest_channel: ({ channel }) => channel,
};
