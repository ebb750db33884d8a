// Conv2D: filters over all channels, or over the channels of a group.

import { convolution } from "#web/core/convolution.js";
import { convolution_gradient } from "#web/core/convolution_gradient.js";
import { by, window_options } from "#web/core/layer_descriptions.js";
import { ending_equation, ending_of } from "#web/core/terms.js";
import { channel_taps, strongest, total } from "#web/core/window_terms.js";
import { geometry_of } from "#web/core/windows.js";
import { counted, word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").ConvolutionTerms} ConvolutionTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: {
    filters: undefined, kernel_size: undefined, strides: [1, 1], padding: "valid", dilation_rate: [1, 1], groups: 1,
    activation: "linear", use_bias: true,
  },
  describe({ config, input_shape }) {
    const source = input_shape[2] === 1 ? word("layer.one_map") : counted("n.maps", input_shape[2]);
    const facts = { filters: word("n.filters", { count: config.filters }), size: by(config.kernel_size), source };
    return word(config.use_bias ? "layer.conv_bias" : "layer.conv", facts) + window_options(config);
  },
  weight_shapes({ config, input_shape, output_shape }) {
    const kernel = [...config.kernel_size, input_shape[2] / config.groups, config.filters];
    return { kernel, ...(config.use_bias && { bias: output_shape.slice(-1) }) };
  },
  forward(row, weight) {
    const convolve = convolution(geometry_of(row), row.config.groups, weight("kernel")?.data, weight("bias")?.data);
    return ([data]) => ({ result: convolve(data) });
  },
  backward({ row, weight, gradient }) {
    return [convolution_gradient(geometry_of(row), row.config.groups, weight("kernel")?.data ?? new Float32Array(), gradient)];
  },
  terms(place) {
    const { row, weight, inputs: [input], r, c, channel } = place;
    const kernel = weight("kernel");
    if (!kernel) throw new Error(`Expected a kernel of ${row.name}. Received: nothing.`);
    const depth = kernel.shape[2];
    const first = Math.floor((channel * row.config.groups) / kernel.shape[3]) * depth;
    const channels = Array.from({ length: depth }, (_, index) =>
      channel_taps(row, input, kernel, { r, c, channel: first + index, depth: index, filter: channel }));
    return { kind: "convolution", channels, ...ending_of(place, total(channels)) };
  },
  /** @param {ConvolutionTerms} found */
  explain: (found, names) => ({
    equation: ending_equation(found),
    parts: [
      { type: "text", text: word("layer.conv_terms") },
      { type: "windows", channels: found.channels, source: names.inputs[0] },
      { type: "ending", ending: found },
    ],
  }),
  /** @param {ConvolutionTerms} found */
  strongest_channel: ({ channels }) => strongest(channels),
};
