// BatchNormalization: each channel is normalized with the moving statistics of training.

import { value_at } from "#web/core/network.js";
import { explain_normalization } from "#web/core/normalization.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").Weight} Weight */

/** What each channel is multiplied by. @param {number} channels @param {Weight} weight @param {number} epsilon */
function factors(channels, weight, epsilon) {
  const [gamma, variance] = ["gamma", "moving_variance"].map((name) => weight(name)?.data);
  return Float64Array.from({ length: channels }, (_, channel) => (gamma?.[channel] ?? 1) / Math.sqrt((variance?.[channel] ?? 1) + epsilon));
}

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: { center: true, scale: true },
  describe: () => word("layer.batch"),
  weight_shapes({ config, output_shape }) {
    const channels = output_shape.slice(-1);
    return { ...(config.scale && { gamma: channels }), ...(config.center && { beta: channels }), moving_mean: channels, moving_variance: channels };
  },
  forward({ config, output_shape }, weight) {
    const channels = output_shape[output_shape.length - 1];
    const factor = factors(channels, weight, config.epsilon);
    const [mean, beta] = ["moving_mean", "beta"].map((name) => weight(name)?.data);
    const shift = factor.map((value, channel) => (beta?.[channel] ?? 0) - (mean?.[channel] ?? 0) * value);
    return ([data]) => {
      const result = new Float32Array(data.length);
      for (let start = 0; start < data.length; start += channels) {
        for (let channel = 0; channel < channels; channel += 1) {
          result[start + channel] = data[start + channel] * factor[channel] + shift[channel];
        }
      }
      return { result };
    };
  },
  backward({ row: { config, output_shape }, weight, gradient }) {
    const channels = output_shape[output_shape.length - 1];
    const factor = factors(channels, weight, config.epsilon);
    return [gradient.map((value, index) => value * factor[index % channels])];
  },
  terms({ row, weight, inputs, r, c, channel, value }) {
    const of = (/** @type {string} */ name, /** @type {number} */ otherwise) => weight(name)?.data[channel] ?? otherwise;
    return {
      kind: "normalization", input: value_at(inputs[0], r, c, channel), mean: of("moving_mean", 0), variance: of("moving_variance", 1),
      gamma: of("gamma", 1), beta: of("beta", 0), epsilon: row.config.epsilon, value,
    };
  },
  explain: (found) => explain_normalization(found, word("layer.batch_statistics")),
  keeps_positions: true,
  elementwise: true,
};
