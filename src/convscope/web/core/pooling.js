/**
 * Maxima and means of windows; padding takes no part in either.
 *
 * @typedef {import("#web/core/windows.js").Geometry} Geometry
 */

import { each_tap, each_window, input_zeros } from "#web/core/windows.js";

/**
 * @param {Geometry} geometry
 * @param {Float32Array} data
 * @returns {Float32Array}
 */
export function max_pooling(geometry, data) {
  const channels = geometry.input[2];
  const best = new Float32Array(channels).fill(-Infinity);
  const result = new Float32Array(geometry.output[0] * geometry.output[1] * channels);
  each_tap(geometry, (pixel) => {
    // Math.max, because it keeps NaN, as NumPy and TensorFlow do
    for (let channel = 0; channel < channels; channel += 1) {
      best[channel] = Math.max(best[channel], data[pixel * channels + channel]);
    }
  }, (output) => {
    result.set(best, output * channels);
    best.fill(-Infinity);
  });
  return result;
}

/**
 * Of equal pixels the first one receives the whole gradient, as in TensorFlow.
 *
 * @param {Geometry} geometry
 * @param {Float32Array} input
 * @param {Float64Array} gradient At the output.
 * @returns {Float64Array} At the input.
 */
export function max_pooling_gradient(geometry, input, gradient) {
  const channels = geometry.input[2];
  const result = input_zeros(geometry);
  each_window(geometry, (pixels, _, output) => {
    for (let channel = 0; channel < channels; channel += 1) {
      if (gradient[output * channels + channel] === 0) continue;
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

/**
 * @param {Geometry} geometry
 * @param {Float32Array} data
 * @returns {Float32Array}
 */
export function average_pooling(geometry, data) {
  const channels = geometry.input[2];
  const sums = new Float64Array(channels);
  const result = new Float32Array(geometry.output[0] * geometry.output[1] * channels);
  each_tap(geometry, (pixel) => {
    for (let channel = 0; channel < channels; channel += 1) sums[channel] += data[pixel * channels + channel];
  }, (output, pixels) => {
    for (let channel = 0; channel < channels; channel += 1) {
      result[output * channels + channel] = sums[channel] / pixels;
    }
    sums.fill(0);
  });
  return result;
}

/**
 * @param {Geometry} geometry
 * @param {Float64Array} gradient At the output.
 * @returns {Float64Array} At the input.
 */
export function average_pooling_gradient(geometry, gradient) {
  const channels = geometry.input[2];
  const result = input_zeros(geometry);
  each_window(geometry, (pixels, _, output) => pixels.forEach((pixel) => {
    for (let channel = 0; channel < channels; channel += 1) {
      result[pixel * channels + channel] += gradient[output * channels + channel] / pixels.length;
    }
  }));
  return result;
}
