// ZeroPadding2D: rows and columns of zeros around each map.

import { value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */
/** @typedef {import("#web/layer_kind.d.ts").CopyTerms} CopyTerms */

/** Zeros above and to the left: Keras takes a number, a number per axis, or two per axis. @param {LayerRow} row */
function offsets({ config: { padding } }) {
  const axes = Array.isArray(padding) ? padding : [padding, padding];
  return axes.map((axis) => (Array.isArray(axis) ? axis[0] : axis));
}

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: { padding: [[1, 1], [1, 1]] },
  describe: ({ input_shape, output_shape }) =>
    word("layer.zero_padding", { from: `${input_shape[0]}×${input_shape[1]}`, to: `${output_shape[0]}×${output_shape[1]}` }),
  forward(row) {
    const [[top, left], [height, width, channels], [rows, columns]] = [offsets(row), row.input_shape, row.output_shape];
    return ([data]) => {
      const result = new Float32Array(rows * columns * channels);
      for (let r = 0; r < height; r += 1) {
        result.set(data.subarray(r * width * channels, (r + 1) * width * channels), ((r + top) * columns + left) * channels);
      }
      return { result };
    };
  },
  backward({ row, gradient }) {
    const [[top, left], [height, width, channels], [, columns]] = [offsets(row), row.input_shape, row.output_shape];
    const result = new Float64Array(height * width * channels);
    for (let r = 0; r < height; r += 1) {
      const from = ((r + top) * columns + left) * channels;
      result.set(gradient.subarray(from, from + width * channels), r * width * channels);
    }
    return [result];
  },
  input_span(row, { r0, r1, c0, c1 }) {
    const [[top, left], [height, width]] = [offsets(row), row.input_shape];
    const span = {
      r0: Math.max(r0 - top, 0), r1: Math.min(r1 - top, height - 1), c0: Math.max(c0 - left, 0), c1: Math.min(c1 - left, width - 1),
    };
    return span.r0 <= span.r1 && span.c0 <= span.c1 ? span : null;
  },
  terms({ row, inputs: [input], r, c, channel, value }) {
    const [top, left] = offsets(row);
    const [at_row, column] = [r - top, c - left];
    const inside = at_row >= 0 && at_row < input.shape[0] && column >= 0 && column < input.shape[1];
    return { kind: "copy", input: inside ? value_at(input, at_row, column, channel) : 0, row: at_row, column, channel, inside, value };
  },
  /** @param {CopyTerms} found */
  explain: ({ inside, row, column, value }, names) => ({
    equation: inside ? word("layer.from_place", { value: short(value), row, column, name: names.inputs[0] }) : word("layer.from_padding"),
    parts: [],
  }),
  keeps_maps: true,
};
