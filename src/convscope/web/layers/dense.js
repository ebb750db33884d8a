// Dense: each unit is a weighted sum of all inputs.

import { convolution } from "#web/core/convolution.js";
import { convolution_gradient } from "#web/core/convolution_gradient.js";
import { count } from "#web/core/scale.js";
import { ending_equation, ending_of, softmax_of } from "#web/core/terms.js";
import { pointwise_geometry } from "#web/core/windows.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").DenseTerms} DenseTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: { units: undefined, activation: "linear", use_bias: true },
  describe: ({ config, input_shape }) => word(config.use_bias ? "layer.dense_bias" : "layer.dense", { units: config.units, inputs: count(input_shape[0]) }),
  weight_shapes({ config, input_shape }) {
    return { kernel: [input_shape[0], config.units], ...(config.use_bias && { bias: [config.units] }) };
  },
  forward({ input_shape, config }, weight) {
    const multiply = convolution(pointwise_geometry(input_shape, config.units), 1, weight("kernel")?.data, weight("bias")?.data);
    return ([data]) => ({ result: multiply(data) });
  },
  backward({ row: { input_shape, config }, weight, gradient }) {
    return [convolution_gradient(pointwise_geometry(input_shape, config.units), 1, weight("kernel")?.data ?? new Float32Array(), gradient)];
  },
  terms(place) {
    const { weight, inputs: [input], channel: unit, limit, row } = place;
    const kernel = weight("kernel");
    if (!kernel) throw new Error(`Expected a kernel of ${row.name}. Received: nothing.`);
    const products = Array.from(input.data, (value, index) => {
      const factor = kernel.data[index * kernel.shape[1] + unit];
      return { index, input: value, weight: factor, product: value * factor };
    });
    const sorted = products.sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
    const [contributions, others] = [sorted.slice(0, limit), sorted.slice(limit)];
    const rest = others.reduce((all, { product }) => all + product, 0);
    const sum = contributions.reduce((all, { product }) => all + product, rest);
    return { kind: "dense", contributions, rest, rest_count: others.length, softmax: softmax_of(place), ...ending_of(place, sum) };
  },
  /** @param {DenseTerms} found */
  explain: (found, names) => ({
    equation: ending_equation(found),
    parts: [
      {
        type: "products", title: word("layer.dense_terms"), rest: found.rest, rest_count: found.rest_count,
        items: found.contributions.map(({ index, ...others }) => ({ name: names.origin(index), ...others })),
      },
      { type: "ending", ending: found },
      ...(found.softmax ? [/** @type {const} */ ({ type: "softmax", softmax: found.softmax })] : []),
    ],
  }),
};
