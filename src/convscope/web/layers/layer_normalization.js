// LayerNormalization over the last axis: each pixel's channels, or all units, are normalized with their own statistics.

import { value_at } from "#web/core/network.js";
import { explain_normalization } from "#web/core/normalization.js";
import { word } from "#web/core/words.js";

/** Mean and variance of some consecutive values. @param {Float32Array} data @param {number} start @param {number} length */
function statistics(data, start, length) {
  let [mean, variance] = [0, 0];
  for (let at = start; at < start + length; at += 1) mean += data[at] / length;
  for (let at = start; at < start + length; at += 1) variance += (data[at] - mean) ** 2 / length;
  return { mean, variance };
}

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: { axis: -1, center: true, scale: true },
  describe: ({ input_shape }) =>
    word(input_shape.length === 3 ? "layer.layer_maps" : "layer.layer_values"),
  weight_shapes({ config, output_shape }) {
    const channels = output_shape.slice(-1);
    return { ...(config.scale && { gamma: channels }), ...(config.center && { beta: channels }) };
  },
  forward({ config, output_shape }, weight) {
    const channels = output_shape[output_shape.length - 1];
    const [gamma, beta] = ["gamma", "beta"].map((name) => weight(name)?.data);
    return ([data]) => {
      const result = new Float32Array(data.length);
      for (let start = 0; start < data.length; start += channels) {
        const { mean, variance } = statistics(data, start, channels);
        const factor = 1 / Math.sqrt(variance + config.epsilon);
        for (let k = 0; k < channels; k += 1) {
          result[start + k] = (data[start + k] - mean) * factor * (gamma?.[k] ?? 1) + (beta?.[k] ?? 0);
        }
      }
      return { result };
    };
  },
  backward({ row: { config, output_shape }, weight, inputs: [{ data }], gradient }) {
    const channels = output_shape[output_shape.length - 1];
    const gamma = weight("gamma")?.data;
    const result = new Float64Array(data.length);
    for (let start = 0; start < data.length; start += channels) {
      const { mean, variance } = statistics(data, start, channels);
      const factor = 1 / Math.sqrt(variance + config.epsilon);
      const flow = (/** @type {number} */ k) => gradient[start + k] * (gamma?.[k] ?? 1);
      const normalized = (/** @type {number} */ k) => (data[start + k] - mean) * factor;
      let [sum, weighted] = [0, 0];
      for (let k = 0; k < channels; k += 1) {
        sum += flow(k) / channels;
        weighted += (flow(k) * normalized(k)) / channels;
      }
      for (let k = 0; k < channels; k += 1) result[start + k] = factor * (flow(k) - sum - normalized(k) * weighted);
    }
    return [result];
  },
  linearized({ row: { config, output_shape }, weight, inputs: [{ data }], gradient }) {
    const channels = output_shape[output_shape.length - 1];
    const gamma = weight("gamma")?.data;
    return [gradient.map((value, at) => {
      const { variance } = statistics(data, at - (at % channels), channels);
      return value === 0 ? 0 : (value * (gamma?.[at % channels] ?? 1)) / Math.sqrt(variance + config.epsilon);
    })];
  },
  terms({ row, weight, inputs: [input], r, c, channel, value }) {
    const channels = input.shape[input.shape.length - 1];
    const start = input.shape.length === 3 ? (r * input.shape[1] + c) * channels : 0;
    const [gamma, beta] = ["gamma", "beta"].map((name) => weight(name)?.data);
    return {
      kind: "normalization", input: value_at(input, r, c, channel), ...statistics(input.data, start, channels),
      gamma: gamma?.[channel] ?? 1, beta: beta?.[channel] ?? 0, epsilon: row.config.epsilon, value,
    };
  },
  explain: (found) => explain_normalization(found, word("layer.layer_statistics")),
  keeps_positions: true,
};
