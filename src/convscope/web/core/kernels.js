// The kernels of a convolution as pictures.

import { largest_magnitude } from "#web/core/scale.js";

/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */
/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {{filter: number, input: number, slice: Tensor}} KernelPicture
 * `input` is the map that the slice reads; -1 where the slice has all three color channels. */

/**
 * One picture for each filter: the whole filter where it reads one channel or three colors, else its slice with the
 * largest weights.
 * @param {Record<string, Tensor>} weights
 * @param {LayerRow} row
 * @returns {KernelPicture[]} none for a layer without a kernel of rows and columns
 */
export function kernel_pictures(weights, row) {
  const kernel = weights[`${row.name}/kernel`];
  if (kernel?.shape.length !== 4) return [];
  const [height, width, depth, filters] = kernel.shape;
  const is_depthwise = row.output_shape.at(-1) !== filters;
  const slice = (/** @type {number} */ input, /** @type {number} */ filter) => ({
    shape: [height, width, 1],
    data: Float32Array.from({ length: height * width }, (_, at) => kernel.data[(at * depth + input) * filters + filter]),
  });
  if (is_depthwise) {
    return Array.from({ length: depth * filters }, (_, at) => ({ filter: at, input: Math.floor(at / filters), slice: slice(Math.floor(at / filters), at % filters) }));
  }
  const reads_image = row.input_shape.length === 3 && row.input_shape[2] === 3 && depth === 3;
  return Array.from({ length: filters }, (_, filter) => {
    if (reads_image) return { filter, input: -1, slice: colored(kernel, filter) };
    const sizes = Array.from({ length: depth }, (__, input) => slice(input, filter).data.reduce((sum, value) => sum + value * value, 0));
    const input = sizes.indexOf(Math.max(...sizes));
    return { filter, input: Math.max(0, input), slice: slice(Math.max(0, input), filter) };
  });
}

/** @param {Tensor} kernel @param {number} filter @returns {Tensor} */
function colored({ shape: [height, width, depth, filters], data }, filter) {
  return { shape: [height, width, depth], data: Float32Array.from({ length: height * width * depth }, (_, at) => data[at * filters + filter]) };
}

/**
 * A filter of three colors as bytes: 0 is middle gray.
 * @param {Tensor} slice (h, w, 3)
 * @returns {Uint8Array}
 */
export function color_bytes({ data }) {
  const most = largest_magnitude(data) || 1;
  return Uint8Array.from(data, (value) => Math.round(127.5 + (127.5 * value) / most));
}
