// Normalization: each channel with a fixed mean and variance.

import { value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").NormalizationTerms} NormalizationTerms */

/** The smallest standard deviation that Keras divides by. */
const EPSILON = 1e-7;

/** A number for each channel: `mean` and `variance` hold one for all, or one for each. @param {number[]} numbers @param {number} channel */
const of_channel = (numbers, channel) => numbers[numbers.length === 1 ? 0 : channel];

/** @type {(config: Record<string, any>, channels: number) => {mean: number, deviation: number}[]} */
const statistics = (config, channels) =>
  Array.from({ length: channels }, (_, channel) => ({
    mean: of_channel(config.mean, channel),
    deviation: Math.max(Math.sqrt(of_channel(config.variance, channel)), EPSILON),
  }));

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: {},
  describe({ config: { mean, variance } }) {
    const [means, variances] = [mean, variance].map((numbers) => numbers.slice(0, 3).map(short).join(", ") + (numbers.length > 3 ? ", …" : ""));
    return word("layer.normalization", { mean: means, variance: variances });
  },
  forward({ config, output_shape }) {
    const each = statistics(config, output_shape[output_shape.length - 1]);
    return ([data]) => ({ result: data.map((value, at) => (value - each[at % each.length].mean) / each[at % each.length].deviation) });
  },
  backward({ row: { config, output_shape }, gradient }) {
    const each = statistics(config, output_shape[output_shape.length - 1]);
    return [gradient.map((value, at) => value / each[at % each.length].deviation)];
  },
  terms({ row: { config }, inputs: [input], r, c, channel, value }) {
    const [mean, variance] = [config.mean, config.variance].map((numbers) => of_channel(numbers, channel));
    return { kind: "normalization", input: value_at(input, r, c, channel), mean, variance, gamma: 1, beta: 0, epsilon: 0, value };
  },
  /** @param {NormalizationTerms} found */
  explain: ({ input, mean, variance, value }) => ({
    equation: `(${short(input)} − ${short(mean)}) / √${short(variance)} = ${short(value)}`,
    parts: [{ type: "text", text: word("layer.fixed") }],
  }),
  keeps_positions: true,
  elementwise: true,
};
