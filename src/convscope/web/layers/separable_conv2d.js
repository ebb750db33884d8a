// SeparableConv2D: a depthwise convolution, then a pointwise one that mixes the channels.

import { convolution } from "#web/core/convolution.js";
import { convolution_gradient } from "#web/core/convolution_gradient.js";
import { depthwise, depthwise_gradient } from "#web/core/depthwise.js";
import { by, window_options } from "#web/core/layer_descriptions.js";
import { ending_equation, ending_of } from "#web/core/terms.js";
import { depthwise_taps, strongest } from "#web/core/window_terms.js";
import { geometry_of, pointwise_geometry } from "#web/core/windows.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */
/** @typedef {import("#web/layer_kind.d.ts").SeparableTerms} SeparableTerms */

/** The shape between the two convolutions. @param {LayerRow} row */
const middle_of = ({ config, input_shape, output_shape }) => [output_shape[0], output_shape[1], input_shape[2] * config.depth_multiplier];

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: {
    filters: undefined, kernel_size: undefined, strides: [1, 1], padding: "valid", dilation_rate: [1, 1], depth_multiplier: 1,
    activation: "linear", use_bias: true,
  },
  describe: ({ config }) =>
    word("layer.separable", { size: by(config.kernel_size), filters: config.filters }) + window_options(config),
  weight_shapes({ config, input_shape, output_shape }) {
    const channels = input_shape[2];
    return {
      depthwise_kernel: [...config.kernel_size, channels, config.depth_multiplier],
      pointwise_kernel: [1, 1, channels * config.depth_multiplier, config.filters],
      ...(config.use_bias && { bias: output_shape.slice(-1) }),
    };
  },
  forward(row, weight) {
    const shape = middle_of(row);
    const first = depthwise(geometry_of(row, shape), weight("depthwise_kernel")?.data, undefined);
    const second = convolution(pointwise_geometry(shape, row.config.filters), 1, weight("pointwise_kernel")?.data, weight("bias")?.data);
    return ([input]) => {
      const data = first(input);
      return { result: second(data), depthwise: { shape, data } };
    };
  },
  backward({ row, weight, gradient }) {
    const [shape, none] = [middle_of(row), new Float32Array()];
    const inside = convolution_gradient(pointwise_geometry(shape, row.config.filters), 1, weight("pointwise_kernel")?.data ?? none, gradient);
    return [depthwise_gradient(geometry_of(row, shape), weight("depthwise_kernel")?.data ?? none, inside)];
  },
  terms(place) {
    const { row, weight, inputs: [input], r, c, channel } = place;
    const [first, second] = [weight("depthwise_kernel"), weight("pointwise_kernel")];
    if (!first || !second) throw new Error(`Expected two kernels of ${row.name}. Received: fewer.`);
    const halves = Array.from({ length: second.shape[2] }, (_, middle) => depthwise_taps(row, input, first, { r, c, channel: middle }));
    const pointwise = halves.map(({ sum }, index) => {
      const factor = second.data[index * second.shape[3] + channel];
      return { index, input: sum, weight: factor, product: sum * factor };
    });
    const sum = pointwise.reduce((all, { product }) => all + product, 0);
    return { kind: "separable", depthwise: halves, pointwise, ...ending_of(place, sum) };
  },
  /** @param {SeparableTerms} found */
  explain: (found, names) => ({
    equation: ending_equation(found),
    parts: [
      { type: "text", text: word("layer.separable_terms") },
      { type: "windows", channels: found.depthwise, source: names.inputs[0] },
      { type: "products", title: word("layer.pointwise"), items: found.pointwise.map(({ index, ...rest }) => ({ name: word("name.map", { map: index }), ...rest })), rest: 0, rest_count: 0 },
      { type: "ending", ending: found },
    ],
  }),
  /** @param {SeparableTerms} found */
  strongest_channel: ({ depthwise: channels }) => strongest(channels),
};
