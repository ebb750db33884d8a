/**
 * Depthwise convolution: each channel with filters of its own.
 *
 * @typedef {import("#web/core/windows.js").Geometry} Geometry
 */

import { each_tap, each_window, input_zeros } from "#web/core/windows.js";

/**
 * @param {Geometry} geometry Its output has channels × depth_multiplier channels.
 * @param {Float32Array | undefined} kernel Rows, columns, channels, depth_multiplier.
 * @param {Float32Array | undefined} bias
 * @returns {(data: Float32Array) => Float32Array}
 */
export function depthwise(geometry, kernel, bias) {
  const [channels, filters] = [geometry.input[2], geometry.output[2]];
  const multiplier = filters / channels;
  const weights = kernel ?? new Float32Array(0);
  const sums = new Float64Array(filters);
  return (data) => {
    const result = new Float32Array(geometry.output[0] * geometry.output[1] * filters);
    sums.fill(0);
    each_tap(geometry, (pixel, tap) => {
      for (let channel = 0, filter = 0; channel < channels; channel += 1) {
        const value = data[pixel * channels + channel];
        for (let m = 0; m < multiplier; m += 1, filter += 1) sums[filter] += value * weights[tap * filters + filter];
      }
    }, (output) => {
      for (let filter = 0; filter < filters; filter += 1) {
        result[output * filters + filter] = sums[filter] + (bias?.[filter] ?? 0);
      }
      sums.fill(0);
    });
    return result;
  };
}

/**
 * @param {Geometry} geometry
 * @param {Float32Array} kernel
 * @param {Float64Array} gradient At the output.
 * @returns {Float64Array} At the input.
 */
export function depthwise_gradient(geometry, kernel, gradient) {
  const [channels, filters] = [geometry.input[2], geometry.output[2]];
  const multiplier = filters / channels;
  const result = input_zeros(geometry);
  each_window(geometry, (pixels, taps, output) => pixels.forEach((pixel, n) => {
    for (let filter = 0; filter < filters; filter += 1) {
      const change = gradient[output * filters + filter] * kernel[taps[n] * filters + filter];
      result[pixel * channels + Math.floor(filter / multiplier)] += change;
    }
  }));
  return result;
}
