// DepthwiseConv2D: each channel with filters of its own.

import { depthwise, depthwise_gradient } from "#web/core/depthwise.js";
import { by, window_options } from "#web/core/layer_descriptions.js";
import { ending_equation, ending_of } from "#web/core/terms.js";
import { depthwise_taps, strongest, total } from "#web/core/window_terms.js";
import { geometry_of } from "#web/core/windows.js";
import { counted, word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").ConvolutionTerms} ConvolutionTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: {
    kernel_size: undefined, strides: [1, 1], padding: "valid", depth_multiplier: 1, dilation_rate: [1, 1], activation: "linear",
    use_bias: true,
  },
  describe({ config }) {
    const many = config.depth_multiplier > 1;
    const facts = { filters: counted("n.filters", config.depth_multiplier), size: by(config.kernel_size) };
    return word(many ? "layer.depthwise_many" : "layer.depthwise", facts) + window_options(config);
  },
  weight_shapes({ config, input_shape, output_shape }) {
    const kernel = [...config.kernel_size, input_shape[2], config.depth_multiplier];
    return { kernel, ...(config.use_bias && { bias: output_shape.slice(-1) }) };
  },
  forward(row, weight) {
    const convolve = depthwise(geometry_of(row), weight("kernel")?.data, weight("bias")?.data);
    return ([data]) => ({ result: convolve(data) });
  },
  backward: ({ row, weight, gradient }) => [depthwise_gradient(geometry_of(row), weight("kernel")?.data ?? new Float32Array(), gradient)],
  terms(place) {
    const kernel = place.weight("kernel");
    if (!kernel) throw new Error(`Expected a kernel of ${place.row.name}. Received: nothing.`);
    const channels = [depthwise_taps(place.row, place.inputs[0], kernel, place)];
    return { kind: "convolution", channels, ...ending_of(place, total(channels)) };
  },
  /** @param {ConvolutionTerms} found */
  explain: (found, names) => ({
    equation: ending_equation(found),
    parts: [
      { type: "text", text: word("layer.depthwise_terms") },
      { type: "windows", channels: found.channels, source: names.inputs[0] },
      { type: "ending", ending: found },
    ],
  }),
  /** @param {ConvolutionTerms} found */
  strongest_channel: ({ channels }) => strongest(channels),
};
