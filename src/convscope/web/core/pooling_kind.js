// Pooling layers: maxima or means, of small windows or of whole feature maps.

import { tap_positions } from "#web/core/conv_arithmetic.js";
import { average_pooling, average_pooling_gradient, max_pooling, max_pooling_gradient } from "#web/core/pooling.js";
import { short } from "#web/core/scale.js";
import { pixels_at_positions } from "#web/core/window_terms.js";
import { geometry_of, global_geometry } from "#web/core/windows.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").LayerKind} LayerKind */
/** @typedef {import("#web/layer_kind.d.ts").PoolingTerms} PoolingTerms */

/**
 * @param {"max"|"average"} operation
 * @param {"window"|"global"} extent
 * @param {LayerKind["describe"]} describe
 * @returns {LayerKind}
 */
export function pooling_kind(operation, extent, describe) {
  const is_global = extent === "global";
  const geometry = (/** @type {import("#web/core/network.js").LayerRow} */ row) => (is_global ? global_geometry(row.input_shape) : geometry_of(row));
  const pool = operation === "max" ? max_pooling : average_pooling;
  return {
    arguments: is_global ? {} : { pool_size: undefined, strides: (/** @type {any} */ config) => config.pool_size, padding: "valid" },
    describe,
    ...(is_global && { origin: (_, index) => word("name.map", { map: index }) }),
    forward(row) {
      const windows = geometry(row);
      return ([data]) => ({ result: pool(windows, data) });
    },
    backward({ row, inputs, gradient }) {
      if (operation === "max") return [max_pooling_gradient(geometry(row), inputs[0].data, gradient)];
      return [average_pooling_gradient(geometry(row), gradient)];
    },
    terms({ row, inputs: [input], r, c, channel, value }) {
      const [rows, columns] = is_global ? [range(input.shape[0]), range(input.shape[1])] : [tap_positions(row, 0, r), tap_positions(row, 1, c)];
      const pixels = pixels_at_positions(input, rows, columns, channel);
      const winner = operation === "max" ? pixels.reduce((best, pixel, index) => (pixel.value > pixels[best].value ? index : best), 0) : null;
      return { kind: "pooling", pixels, winner, value };
    },
    /** @param {PoolingTerms} found */
    explain: ({ pixels, winner, value }) => ({
      equation: word(winner === null ? "layer.mean_of" : "layer.max_of", { count: pixels.length, value: short(value) }),
      parts: [{ type: "pixels", pixels, winner }],
    }),
  };
}

/** @param {number} size */
const range = (size) => [...Array(size).keys()];
