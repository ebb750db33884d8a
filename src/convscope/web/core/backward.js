/**
 * Backwards through one layer: from the gradient at its output to the gradient at its input, sums in float64.
 *
 * @typedef {import("#web/core/network.js").LayerRow} LayerRow
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").LayerActivation} LayerActivation
 * @typedef {import("#web/core/engine.js").Slide} Slide
 * @typedef {(pixels: number[], taps: number[], output: number) => void} VisitWindow
 */

import { each_window, everything, point, sigmoid, slide_of } from "#web/core/engine.js";
import { weight_of } from "#web/core/network.js";

/** @type {Record<string, (value: number) => number>} */
const SLOPES = {
  linear: () => 1,
  relu: (value) => (value > 0 ? 1 : 0),
  leaky_relu: (value) => (value > 0 ? 1 : 0.2),
  elu: (value) => (value > 0 ? 1 : Math.exp(value)),
  silu: (value) => sigmoid(value) * (1 + value * (1 - sigmoid(value))),
  sigmoid: (value) => sigmoid(value) * (1 - sigmoid(value)),
  tanh: (value) => 1 - Math.tanh(value) ** 2,
};

/**
 * Through an activation: the gradient times the slope. At the corner of a ReLU the slope is 0, as in TensorFlow.
 *
 * @param {string} activation Not softmax.
 * @param {Float32Array} before What the activation was given.
 * @param {Float64Array} gradient At its result.
 * @returns {Float64Array}
 */
export function through_activation(activation, before, gradient) {
  const slope = SLOPES[activation];
  return gradient.map((value, index) => (value === 0 ? 0 : value * slope(before[index])));
}

/**
 * Through a layer without its activation.
 *
 * @param {LayerRow} row
 * @param {Weights} weights
 * @param {Float32Array} input What the layer was given.
 * @param {Float64Array} gradient At its result, before the activation.
 * @returns {Float64Array} At its input.
 */
export function through_layer(row, weights, input, gradient) {
  const { kind, config, input_shape, output_shape } = row;
  const weight = (/** @type {string} */ name) => weight_of(weights, row, name) ?? new Float32Array(0);
  const shape = input_shape.length === 3 ? input_shape : [1, 1, input_shape[0]];
  const slide = () => slide_of(row, shape, output_shape);
  switch (kind) {
    case "Conv2D": return convolution(slide(), config.groups, weight("kernel"), gradient);
    case "Dense": return convolution(point(shape, output_shape[0]), 1, weight("kernel"), gradient);
    case "DepthwiseConv2D": return depthwise(slide(), weight("kernel"), gradient);
    case "SeparableConv2D": {
      const middle = [output_shape[0], output_shape[1], shape[2] * config.depth_multiplier];
      const half = convolution(point(middle, config.filters), 1, weight("pointwise_kernel"), gradient);
      return depthwise(slide_of(row, shape, middle), weight("depthwise_kernel"), half);
    }
    case "MaxPooling2D": return largest(slide(), input, gradient);
    case "AveragePooling2D": return mean(slide(), gradient);
    case "GlobalAveragePooling2D": return mean(everything(shape), gradient);
    case "BatchNormalization": return normalization(row, weights, gradient);
    default: return gradient;
  }
}

/** @type {(slide: Slide, visit: VisitWindow) => void} */
function gather(slide, visit) {
  /** @type {number[]} */
  let pixels = [];
  /** @type {number[]} */
  let taps = [];
  each_window(slide, (pixel, tap) => {
    pixels.push(pixel);
    taps.push(tap);
  }, (output) => {
    visit(pixels, taps, output);
    pixels = [];
    taps = [];
  });
}

/** @type {(slide: Slide) => Float64Array} */
function zeros_of({ input }) {
  return new Float64Array(input[0] * input[1] * input[2]);
}

/** @type {(slide: Slide, groups: number, kernel: Float32Array, gradient: Float64Array) => Float64Array} */
function convolution(slide, groups, kernel, gradient) {
  const [channels, filters] = [slide.input[2], slide.output[2]];
  const depth = channels / groups;
  const result = zeros_of(slide);
  // behind a ReLU or a pooling most gradients are 0: only the filters that are not are gone through
  const live = new Int32Array(filters);
  gather(slide, (pixels, taps, output) => {
    for (let group = 0; group < groups; group += 1) {
      const [first, end] = [(group * filters) / groups, ((group + 1) * filters) / groups];
      let count = 0;
      for (let filter = first; filter < end; filter += 1) {
        if (gradient[output * filters + filter] !== 0) live[count++] = filter;
      }
      for (let n = 0; count && n < pixels.length; n += 1) {
        for (let channel = 0; channel < depth; channel += 1) {
          const base = (taps[n] * depth + channel) * filters;
          let sum = 0;
          for (let k = 0; k < count; k += 1) sum += gradient[output * filters + live[k]] * kernel[base + live[k]];
          result[pixels[n] * channels + group * depth + channel] += sum;
        }
      }
    }
  });
  return result;
}

/** @type {(slide: Slide, kernel: Float32Array, gradient: Float64Array) => Float64Array} */
function depthwise(slide, kernel, gradient) {
  const [channels, filters] = [slide.input[2], slide.output[2]];
  const multiplier = filters / channels;
  const result = zeros_of(slide);
  gather(slide, (pixels, taps, output) => pixels.forEach((pixel, n) => {
    for (let filter = 0; filter < filters; filter += 1) {
      const change = gradient[output * filters + filter] * kernel[taps[n] * filters + filter];
      result[pixel * channels + Math.floor(filter / multiplier)] += change;
    }
  }));
  return result;
}

/** @type {(slide: Slide, input: Float32Array, gradient: Float64Array) => Float64Array} */
function largest(slide, input, gradient) {
  const channels = slide.input[2];
  const result = zeros_of(slide);
  gather(slide, (pixels, _, output) => {
    for (let channel = 0; channel < channels; channel += 1) {
      // of equal pixels the first has all of the gradient, as in TensorFlow
      let best = pixels[0] * channels + channel;
      for (const pixel of pixels) {
        const at = pixel * channels + channel;
        if (input[at] > input[best]) best = at;
      }
      result[best] += gradient[output * channels + channel];
    }
  });
  return result;
}

/** @type {(slide: Slide, gradient: Float64Array) => Float64Array} */
function mean(slide, gradient) {
  const channels = slide.input[2];
  const result = zeros_of(slide);
  gather(slide, (pixels, _, output) => pixels.forEach((pixel) => {
    for (let channel = 0; channel < channels; channel += 1) {
      result[pixel * channels + channel] += gradient[output * channels + channel] / pixels.length;
    }
  }));
  return result;
}

/** @type {(row: LayerRow, weights: Weights, gradient: Float64Array) => Float64Array} */
function normalization(row, weights, gradient) {
  const [gamma, variance] = ["gamma", "moving_variance"].map((name) => weight_of(weights, row, name));
  const channels = row.output_shape[row.output_shape.length - 1];
  const factor = Float64Array.from({ length: channels }, (_, channel) =>
    (gamma?.[channel] ?? 1) / Math.sqrt((variance?.[channel] ?? 1) + row.config.epsilon));
  return gradient.map((value, index) => value * factor[index % channels]);
}
