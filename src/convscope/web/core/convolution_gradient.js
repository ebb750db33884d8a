/**
 * Convolution, backward: from the gradient at the output to the gradient at the input, sums in float64.
 *
 * @typedef {import("#web/core/windows.js").Geometry} Geometry
 */

import { input_zeros } from "#web/core/windows.js";

/**
 * @param {Geometry} geometry
 * @param {number} groups
 * @param {Float32Array} kernel Rows, columns, channels of one group, filters.
 * @param {Float64Array} gradient At the output.
 * @returns {Float64Array} At the input.
 */
export function convolution_gradient(geometry, groups, kernel, gradient) {
  const { output: [rows, columns, filters], input: [, , channels] } = geometry;
  const result = input_zeros(geometry);
  // behind a ReLU or a pooling most gradients are 0: only the other filters are visited
  const live = new Int32Array(filters);
  for (let group = 0; group < groups; group += 1) {
    const [first, end] = [(group * filters) / groups, ((group + 1) * filters) / groups];
    for (let output = 0; output < rows * columns; output += 1) {
      let count = 0;
      for (let filter = first; filter < end; filter += 1) if (gradient[output * filters + filter] !== 0) live[count++] = filter;
      if (count) spread(geometry, { kernel, gradient, live, count, output, group, depth: channels / groups }, result);
    }
  }
  return result;
}

/**
 * One output pixel's gradients onto the pixels of its window.
 *
 * @param {Geometry} geometry
 * @param {{kernel: Float32Array, gradient: Float64Array, live: Int32Array, count: number, output: number, group: number, depth: number}} of
 * @param {Float64Array} result
 */
function spread({ kernel_size, strides, dilation_rate, before, input, output: shape }, { kernel, gradient, live, count, output, group, depth }, result) {
  const [height, width, channels] = input;
  const [, columns, filters] = shape;
  const top = Math.floor(output / columns) * strides[0] - before[0];
  const left = (output % columns) * strides[1] - before[1];
  for (let i = 0; i < kernel_size[0]; i += 1) {
    const row = top + i * dilation_rate[0];
    if (row < 0 || row >= height) continue;
    for (let j = 0; j < kernel_size[1]; j += 1) {
      const column = left + j * dilation_rate[1];
      if (column < 0 || column >= width) continue;
      const to = (row * width + column) * channels + group * depth;
      for (let channel = 0; channel < depth; channel += 1) {
        const base = ((i * kernel_size[1] + j) * depth + channel) * filters;
        let sum = 0;
        for (let k = 0; k < count; k += 1) sum += gradient[output * filters + live[k]] * kernel[base + live[k]];
        result[to + channel] += sum;
      }
    }
  }
}
