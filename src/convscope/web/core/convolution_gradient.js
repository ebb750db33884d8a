/**
 * Convolution, backward: from the gradient at the output to the gradient at the input, sums in float64.
 *
 * @typedef {import("#web/core/windows.js").Geometry} Geometry
 */

import { each_window, input_zeros } from "#web/core/windows.js";

/**
 * @param {Geometry} geometry
 * @param {number} groups
 * @param {Float32Array} kernel Rows, columns, channels of one group, filters.
 * @param {Float64Array} gradient At the output.
 * @returns {Float64Array} At the input.
 */
export function convolution_gradient(geometry, groups, kernel, gradient) {
  const [channels, filters] = [geometry.input[2], geometry.output[2]];
  const depth = channels / groups;
  const result = input_zeros(geometry);
  // behind a ReLU or a pooling most gradients are 0: only the other filters are visited
  const live = new Int32Array(filters);
  each_window(geometry, (pixels, taps, output) => {
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
