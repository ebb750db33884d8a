/**
 * Convolution, forward. Sums are in float64 and stored as float32. Inputs that are zero are skipped: after a ReLU, and in
 * a drawing on black, about half of them are. (An infinite weight times a skipped zero is thus 0 and not NaN.)
 *
 * @typedef {import("#web/core/windows.js").Geometry} Geometry
 */

/** Filters computed together: eight sums and the input stay in registers. Measured: 4 is slower by a third. */
const BLOCK = 8;

/**
 * Pack a kernel once, for any number of images.
 *
 * @param {Geometry} geometry
 * @param {number} groups
 * @param {Float32Array | undefined} kernel Rows, columns, channels of one group, filters.
 * @param {Float32Array | undefined} bias
 * @returns {(data: Float32Array) => Float32Array}
 */
export function convolution(geometry, groups, kernel, bias) {
  const { input, output, kernel_size } = geometry;
  const depth = input[2] / groups;
  const taps = kernel_size[0] * kernel_size[1] * depth;
  const blocks = Array.from({ length: groups }, (_, group) => pack(kernel, bias, taps, output[2], group, groups));
  const pixels = input[0] * input[1];
  const list = {
    values: new Float64Array(pixels * depth),
    places: new Int32Array(pixels * depth),
    starts: new Int32Array(pixels + 1),
  };
  return (data) => {
    const result = new Float32Array(output[0] * output[1] * output[2]);
    blocks.forEach((of_group, group) => {
      list_nonzero(data, input, group * depth, depth, list);
      for (const block of of_group) convolve_block(geometry, depth, list, block, result);
    });
    return result;
  };
}

/**
 * One group's weights in blocks of `BLOCK` filters, so that a block's weights of one tap lie side by side.
 *
 * @param {Float32Array | undefined} kernel
 * @param {Float32Array | undefined} bias
 * @param {number} taps
 * @param {number} filters Of all groups.
 * @param {number} group
 * @param {number} groups
 * @returns {Block[]}
 */
function pack(kernel, bias, taps, filters, group, groups) {
  const blocks = [];
  const end = ((group + 1) * filters) / groups;
  for (let first = (group * filters) / groups; first < end; first += BLOCK) {
    const count = Math.min(BLOCK, end - first);
    const weights = new Float64Array(taps * BLOCK);
    const start = new Float64Array(BLOCK);
    for (let filter = 0; filter < count; filter += 1) {
      start[filter] = bias?.[first + filter] ?? 0;
      for (let tap = 0; tap < taps; tap += 1) {
        weights[tap * BLOCK + filter] = kernel?.[tap * filters + first + filter] ?? 0;
      }
    }
    blocks.push({ first, count, weights, start });
  }
  return blocks;
}

/**
 * @typedef {{values: Float64Array, places: Int32Array, starts: Int32Array}} NonZero The values of some channels that
 * are not 0, in order; `places` are their positions in their row of pixels (column × depth + channel, times `BLOCK`),
 * `starts` is where each pixel's values begin.
 */

/** @type {(data: Float32Array, input: number[], first: number, depth: number, list: NonZero) => void} */
function list_nonzero(data, input, first, depth, { values, places, starts }) {
  const [height, width, channels] = input;
  let length = 0;
  for (let row = 0, pixel = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, pixel += 1) {
      starts[pixel] = length;
      const from = pixel * channels + first;
      for (let channel = 0; channel < depth; channel += 1) {
        const value = data[from + channel];
        if (value !== 0) {
          values[length] = value;
          places[length] = (column * depth + channel) * BLOCK;
          length += 1;
        }
      }
    }
  }
  starts[height * width] = length;
}

/**
 * One block of filters over the whole image.
 *
 * @typedef {{first: number, count: number, weights: Float64Array, start: Float64Array}} Block Its first filter and their
 * number, the packed weights, and the biases that the sums start from.
 * @type {(geometry: Geometry, depth: number, list: NonZero, block: Block, result: Float32Array) => void}
 */
function convolve_block(geometry, depth, { values, places, starts }, { first, count, weights, start }, result) {
  const { kernel_size: [tall, wide], strides, dilation_rate, before } = geometry;
  const { input: [height, width], output: [rows, columns, filters] } = geometry;
  const sums = new Float64Array(BLOCK);
  // neighboring taps read neighboring values: one run per kernel row, unless dilated
  const run = dilation_rate[1] === 1 ? wide : 1;
  for (let r = 0, to = first; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1, to += filters) {
      let s0 = start[0], s1 = start[1], s2 = start[2], s3 = start[3];
      let s4 = start[4], s5 = start[5], s6 = start[6], s7 = start[7];
      for (let i = 0; i < tall; i += 1) {
        const row = r * strides[0] - before[0] + i * dilation_rate[0];
        if (row < 0 || row >= height) continue;
        for (let j = 0; j < wide; j += run) {
          const column = c * strides[1] - before[1] + j * dilation_rate[1];
          const begin = column < 0 ? 0 : column;
          const end = column + run > width ? width : column + run;
          if (begin >= end) continue;
          const base = (i * wide + j - column) * depth * BLOCK;
          for (let n = starts[row * width + begin], stop = starts[row * width + end]; n < stop; n += 1) {
            const value = values[n];
            const w = base + places[n];
            s0 += value * weights[w];
            s1 += value * weights[w + 1];
            s2 += value * weights[w + 2];
            s3 += value * weights[w + 3];
            s4 += value * weights[w + 4];
            s5 += value * weights[w + 5];
            s6 += value * weights[w + 6];
            s7 += value * weights[w + 7];
          }
        }
      }
      sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3, sums[4] = s4, sums[5] = s5, sums[6] = s6, sums[7] = s7;
      for (let filter = 0; filter < count; filter += 1) result[to + filter] = sums[filter];
    }
  }
}
