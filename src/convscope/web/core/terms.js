/**
 * One output number of any layer, written out: everything a person needs to add it up on paper.
 *
 * @typedef {import("#web/core/network.js").LayerRow} LayerRow
 * @typedef {import("#web/core/network.js").Network} Network
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {import("#web/core/network.js").Activations} Activations
 * @typedef {import("#web/core/taps.js").ChannelTaps} ChannelTaps
 * @typedef {import("#web/core/taps.js").Pixel} Pixel
 * @typedef {{index: number, input: number, weight: number, product: number}} Product
 * @typedef {{logits: number[], largest: number, exponentials: number[], sum: number}} SoftmaxTerms The exponentials
 * are of logit minus the largest logit, which changes nothing after the division and cannot overflow.
 * @typedef {{bias: number, sum: number, activation: string, value: number}} Ending `sum` is before the activation.
 *
 * @typedef {{kind: "convolution", channels: ChannelTaps[]} & Ending} ConvolutionTerms
 * @typedef {{kind: "separable", depthwise: ChannelTaps[], pointwise: Product[]} & Ending} SeparableTerms
 * @typedef {{kind: "dense", contributions: Product[], rest: number, rest_count: number, softmax: SoftmaxTerms | null}
 *   & Ending} DenseTerms `contributions` are the largest products, positive or negative; `rest` is the others' sum.
 * @typedef {{kind: "pooling", pixels: Pixel[], winner: number | null, value: number}} PoolingTerms `winner` is the
 * index of the largest pixel, the first of equals; null for a mean.
 * @typedef {{kind: "normalization", input: number, mean: number, variance: number, gamma: number, beta: number,
 *   epsilon: number, value: number}} NormalizationTerms
 * @typedef {{kind: "activation", activation: string, input: number, softmax: SoftmaxTerms | null, value: number}
 *   } ActivationTerms
 * @typedef {{kind: "unchanged", input: number, value: number}} UnchangedTerms
 * @typedef {{kind: "flatten", row: number, column: number, channel: number, value: number}} FlattenTerms
 * @typedef {ConvolutionTerms | SeparableTerms | DenseTerms | PoolingTerms | NormalizationTerms | ActivationTerms
 *   | UnchangedTerms | FlattenTerms} Terms
 */

import { activation_of, place_of, weight_of } from "#web/core/network.js";
import { channel_taps, pooled_pixels, value_at } from "#web/core/taps.js";

/**
 * Write out one output number.
 *
 * @param {Network} network
 * @param {Weights} weights
 * @param {Activations} activations Of the picture in question.
 * @param {number} layer_index
 * @param {number} r Output row; of no meaning where there are no rows.
 * @param {number} c Output column.
 * @param {number} channel Output channel, or unit.
 * @param {{limit?: number}} [options] How many of a dense unit's contributions are listed.
 * @returns {Terms} `value` is what the activations hold, 0 for a filter that is off.
 * @throws {Error} There is no such layer or number.
 */
export function terms(network, weights, activations, layer_index, r, c, channel, { limit = 12 } = {}) {
  const row = network.layers[layer_index];
  if (!row || !has(row.output_shape, r, c, channel)) {
    const received = `layer ${layer_index}, row ${r}, column ${c}, channel ${channel}`;
    throw new Error(`Expected a number of the network. Received: ${received}.`);
  }
  const { output, pre_activation } = activations.layers[layer_index];
  const value = value_at(output, r, c, channel);
  const input = layer_index ? activations.layers[layer_index - 1].output : activations.image;
  const bias = weight_of(weights, row, "bias")?.[channel] ?? 0;
  const ending = { bias, activation: activation_of(row) ?? "linear", value };
  const softmax = ending.activation === "softmax" && pre_activation ? exponentials(pre_activation.data) : null;
  const [kernel, place] = [weights[`${row.name}/kernel`], { r, c, channel }];
  switch (row.kind) {
    case "Conv2D": return { kind: "convolution", ...convolution(row, input, kernel, place, bias), ...ending };
    case "DepthwiseConv2D": return { kind: "convolution", ...depthwise(row, input, kernel, place, bias), ...ending };
    case "SeparableConv2D": return { kind: "separable", ...separable(row, input, weights, place, bias), ...ending };
    case "Dense": return { kind: "dense", ...dense(input, kernel, place, bias, limit), softmax, ...ending };
    case "MaxPooling2D":
    case "AveragePooling2D":
    case "GlobalAveragePooling2D": return { kind: "pooling", ...pooling(row, input, place), value };
    case "Flatten": return { kind: "flatten", ...place_of(channel, row.input_shape), value };
    default:
  }
  const before = value_at(input, r, c, channel);
  const statistics = statistics_of(row, weights, channel);
  switch (activation_of(row) ?? row.kind) {
    case "BatchNormalization": return { kind: "normalization", input: before, ...statistics, value };
    case "Dropout": return { kind: "unchanged", input: before, value };
    default: return { kind: "activation", activation: ending.activation, input: before, softmax, value };
  }
}

/**
 * @typedef {{r: number, c: number, channel: number}} Place
 * @typedef {{channels: ChannelTaps[], sum: number}} Windows
 * @typedef {Pick<SeparableTerms, "depthwise" | "pointwise" | "sum">} Halves
 * @typedef {Omit<NormalizationTerms, "kind" | "input" | "value">} Statistics
 * @typedef {Pick<DenseTerms, "contributions" | "rest" | "rest_count" | "sum">} Products
 */

/** @type {(row: LayerRow, input: Tensor, kernel: Tensor, place: Place, bias: number) => Windows} */
function convolution(row, input, kernel, { r, c, channel }, bias) {
  const depth = kernel.shape[2];
  const first = Math.floor((channel * row.config.groups) / kernel.shape[3]) * depth;
  const channels = Array.from({ length: depth }, (_, index) =>
    channel_taps(row, input, kernel, { r, c, channel: first + index, depth: index, filter: channel }));
  return { channels, sum: total(channels) + bias };
}

/** @type {(row: LayerRow, input: Tensor, kernel: Tensor, place: Place, bias: number) => Windows} */
function depthwise(row, input, kernel, { r, c, channel }, bias) {
  const depth = Math.floor(channel / kernel.shape[3]);
  const filter = channel % kernel.shape[3];
  const channels = [channel_taps(row, input, kernel, { r, c, channel: depth, depth, filter })];
  return { channels, sum: total(channels) + bias };
}

/** @type {(row: LayerRow, input: Tensor, weights: Weights, place: Place, bias: number) => Halves} */
function separable(row, input, weights, { r, c, channel }, bias) {
  const [first, second] = [weights[`${row.name}/depthwise_kernel`], weights[`${row.name}/pointwise_kernel`]];
  const halves = Array.from({ length: second.shape[2] }, (_, middle) =>
    depthwise(row, input, first, { r, c, channel: middle }, 0).channels[0]);
  const products = halves.map(({ sum }, index) => {
    const weight = second.data[index * second.shape[3] + channel];
    return { index, input: sum, weight, product: sum * weight };
  });
  return { depthwise: halves, pointwise: products, sum: products.reduce((all, { product }) => all + product, bias) };
}

/** @type {(input: Tensor, kernel: Tensor, place: Place, bias: number, limit: number) => Products} */
function dense(input, kernel, { channel: unit }, bias, limit) {
  const products = Array.from(input.data, (value, index) => {
    const weight = kernel.data[index * kernel.shape[1] + unit];
    return { index, input: value, weight, product: value * weight };
  });
  const sorted = products.sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
  const add = (/** @type {Product[]} */ some, start = 0) => some.reduce((all, { product }) => all + product, start);
  return {
    contributions: sorted.slice(0, limit),
    rest: add(sorted.slice(limit)),
    rest_count: Math.max(0, sorted.length - limit),
    sum: add(sorted, bias),
  };
}

/** @type {(row: LayerRow, input: Tensor, place: Place) => {pixels: Pixel[], winner: number | null}} */
function pooling(row, input, { r, c, channel }) {
  const pixels = pooled_pixels(row, input, r, c, channel);
  if (row.kind !== "MaxPooling2D") return { pixels, winner: null };
  return { pixels, winner: pixels.reduce((best, { value }, index) => (value > pixels[best].value ? index : best), 0) };
}

/** @type {(row: LayerRow, weights: Weights, channel: number) => Statistics} */
function statistics_of(row, weights, channel) {
  /** @type {(name: string, otherwise: number) => number} */
  const of = (name, otherwise) => weight_of(weights, row, name)?.[channel] ?? otherwise;
  const [mean, variance] = [of("moving_mean", 0), of("moving_variance", 1)];
  return { mean, variance, gamma: of("gamma", 1), beta: of("beta", 0), epsilon: row.config.epsilon };
}

/** @type {(logits: Float32Array) => SoftmaxTerms} */
function exponentials(logits) {
  const largest = logits.reduce((best, logit) => Math.max(best, logit), -Infinity);
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  return { logits: [...logits], largest, exponentials: powers, sum: powers.reduce((all, power) => all + power, 0) };
}

/** @type {(shape: number[], r: number, c: number, channel: number) => boolean} */
function has(shape, r, c, channel) {
  const flat = shape.length !== 3 || (r >= 0 && r < shape[0] && c >= 0 && c < shape[1]);
  return flat && channel >= 0 && channel < shape[shape.length - 1];
}

/** @type {(channels: ChannelTaps[]) => number} */
function total(channels) {
  return channels.reduce((all, { sum }) => all + sum, 0);
}
