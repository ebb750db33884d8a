/**
 * The arithmetic of every layer, in one file that imports nothing.
 *
 * A page that lies on a disk can make a Web Worker only from a Blob, and neither an import map nor a relative address
 * reaches into it. So whatever a worker must compute is here, and `forward.js` is the door with the checks.
 *
 * Sums are in float64 and kept in float32. Convolutions skip inputs that are zero: after a ReLU, and in a picture on
 * an empty ground, about half of them are. (An infinite weight times a skipped zero is thus 0 and not NaN.)
 *
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {import("#web/core/network.js").LayerRow} LayerRow
 * @typedef {import("#web/core/network.js").Network} Network
 * @typedef {import("#web/core/network.js").Weights} Weights
 * @typedef {import("#web/core/network.js").Activations} Activations
 * @typedef {Record<string, number[]>} Off Output channels, by layer name, that are set to 0 after the activation.
 * @typedef {{run: (image: Tensor, options?: {off?: Off}) => Activations}} Engine
 * @typedef {{
 *   input: number[], output: number[], kernel_size: number[], strides: number[], dilation_rate: number[],
 *   before: number[],
 * }} Slide A window that slides: shapes as (rows, columns, channels), zeros before the first row and column.
 * @typedef {(input: Float32Array) => {result: Float32Array, depthwise?: Float32Array}} Step
 */

/** Filters computed together: eight sums and the input stay in registers. Measured: 4 is slower by a third. */
const BLOCK = 8;

/**
 * Pack a network's weights once, for as many pictures as you like.
 *
 * @param {Network} network
 * @param {Weights} weights Every weight of it, unchecked: `prepare` in `forward.js` checks.
 * @returns {Engine} `run` takes an image of the network's input shape, in [0, 1], and keeps every activation. Tensors
 *     of a result share numbers where a layer changes nothing; results of two runs share none.
 */
export function create_engine(network, weights) {
  const steps = network.layers.map((row) => make_step(row, (name) => weights[`${row.name}/${name}`]?.data ?? null));
  return { run: (image, { off = {} } = {}) => run(network.layers, steps, image, off) };
}

/** @type {(rows: LayerRow[], steps: Step[], image: Tensor, off: Off) => Activations} */
function run(rows, steps, image, off) {
  let data = image.data;
  const layers = rows.map((row, index) => {
    const { result, depthwise } = steps[index](data);
    const activation = row.kind === "ReLU" ? "relu" : row.kind === "Softmax" ? "softmax" : row.config.activation;
    data = activation ? activate(activation, result) : result;
    if (off[row.name]) data = without(data, row.output_shape, off[row.name]);
    const { input_shape, output_shape: shape } = row;
    return {
      name: row.name,
      output: { shape, data },
      pre_activation: activation ? { shape, data: result } : null,
      depthwise: depthwise
        ? { shape: [...shape.slice(0, 2), input_shape[2] * row.config.depth_multiplier], data: depthwise }
        : null,
    };
  });
  const last = layers[layers.length - 1];
  return { image, layers, logits: (last.pre_activation ?? last.output).data, probabilities: last.output.data };
}

/** @type {(row: LayerRow, weight: (name: string) => Float32Array | null) => Step} */
function make_step(row, weight) {
  const { kind, config, input_shape: input, output_shape: output } = row;
  const whole = input.length === 1 ? [1, 1, input[0]] : input;
  const [kernel, bias] = [weight("kernel"), weight("bias")];
  if (kind === "Conv2D") return convolution(slide_of(row, whole, output), config.groups, kernel, bias);
  if (kind === "Dense") return convolution(point(whole, output[0]), 1, kernel, bias);
  if (kind === "DepthwiseConv2D") return depthwise_convolution(slide_of(row, whole, output), kernel, bias);
  if (kind === "SeparableConv2D") {
    const middle = [output[0], output[1], input[2] * config.depth_multiplier];
    const first = depthwise_convolution(slide_of(row, whole, middle), weight("depthwise_kernel"), null);
    const second = convolution(point(middle, config.filters), 1, weight("pointwise_kernel"), bias);
    return (data) => {
      const depthwise = first(data).result;
      return { result: second(depthwise).result, depthwise };
    };
  }
  if (kind === "MaxPooling2D") return (data) => ({ result: largest(slide_of(row, whole, output), data) });
  if (kind === "AveragePooling2D") return (data) => ({ result: mean(slide_of(row, whole, output), data) });
  if (kind === "GlobalAveragePooling2D") return (data) => ({ result: mean(everything(input), data) });
  if (kind === "BatchNormalization") return normalization(config.epsilon, weight);
  return (data) => ({ result: data });
}

/**
 * The window of a convolution or pooling.
 *
 * @param {LayerRow} row
 * @param {number[]} input `(h, w, c)`.
 * @param {number[]} output `(h, w, c)`.
 * @returns {Slide}
 */
export function slide_of({ config }, input, output) {
  const kernel_size = config.kernel_size ?? config.pool_size;
  const dilation_rate = config.dilation_rate ?? [1, 1];
  const before = [0, 1].map((axis) => {
    const span = (output[axis] - 1) * config.strides[axis] + (kernel_size[axis] - 1) * dilation_rate[axis] + 1;
    return config.padding === "same" ? Math.max(span - input[axis], 0) >> 1 : 0;
  });
  return { input, output, kernel_size, strides: config.strides, dilation_rate, before };
}

/**
 * A window of one pixel: what a pointwise convolution slides, and a dense layer over one pixel of many channels.
 *
 * @param {number[]} input `(h, w, c)`.
 * @param {number} filters
 * @returns {Slide}
 */
export function point(input, filters) {
  const output = [input[0], input[1], filters];
  return { input, output, kernel_size: [1, 1], strides: [1, 1], dilation_rate: [1, 1], before: [0, 0] };
}

/**
 * A window that holds the whole picture: global pooling.
 *
 * @param {number[]} input `(h, w, c)`.
 * @returns {Slide}
 */
export function everything(input) {
  return { ...point(input, input[2]), output: [1, 1, input[2]], kernel_size: input.slice(0, 2) };
}

/** @type {(slide: Slide, groups: number, kernel: Float32Array | null, bias: Float32Array | null) => Step} */
function convolution(slide, groups, kernel, bias) {
  const { input, output, kernel_size } = slide;
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
      for (const block of of_group) convolve_block(slide, depth, list, block, result);
    });
    return { result };
  };
}

/**
 * One group's weights in blocks of `BLOCK` filters, so that a block's weights of one tap lie side by side.
 *
 * @param {Float32Array | null} kernel
 * @param {Float32Array | null} bias
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
 * One block of filters over the whole picture.
 *
 * @typedef {{first: number, count: number, weights: Float64Array, start: Float64Array}} Block Its first filter and how
 * many there are, their packed weights, and the biases that the sums start from.
 * @type {(slide: Slide, depth: number, list: NonZero, block: Block, result: Float32Array) => void}
 */
function convolve_block(slide, depth, { values, places, starts }, { first, count, weights, start }, result) {
  const { kernel_size: [tall, wide], strides, dilation_rate, before } = slide;
  const { input: [height, width], output: [rows, columns, filters] } = slide;
  const sums = new Float64Array(BLOCK);
  // neighbouring taps read neighbouring values: one run a kernel row, unless dilation tears it apart
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

/**
 * Call `visit` for each output pixel with each input pixel of its window, then `finish` with how many there were.
 *
 * @param {Slide} slide
 * @param {(pixel: number, tap: number) => void} visit
 * @param {(output: number, pixels: number) => void} finish
 */
export function each_window(slide, visit, finish) {
  const { kernel_size: [tall, wide], strides, dilation_rate, before } = slide;
  const { input: [height, width], output: [rows, columns] } = slide;
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      let pixels = 0;
      for (let i = 0; i < tall; i += 1) {
        const row = r * strides[0] - before[0] + i * dilation_rate[0];
        if (row < 0 || row >= height) continue;
        for (let j = 0; j < wide; j += 1) {
          const column = c * strides[1] - before[1] + j * dilation_rate[1];
          if (column < 0 || column >= width) continue;
          visit(row * width + column, i * wide + j);
          pixels += 1;
        }
      }
      finish(r * columns + c, pixels);
    }
  }
}

/** @type {(slide: Slide, kernel: Float32Array | null, bias: Float32Array | null) => Step} */
function depthwise_convolution(slide, kernel, bias) {
  const channels = slide.input[2];
  const filters = slide.output[2];
  const multiplier = filters / channels;
  const weights = kernel ?? new Float32Array(0);
  const sums = new Float64Array(filters);
  return (data) => {
    const result = new Float32Array(slide.output[0] * slide.output[1] * filters);
    sums.fill(0);
    each_window(slide, (pixel, tap) => {
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
    return { result };
  };
}

/** @type {(slide: Slide, data: Float32Array) => Float32Array} */
function largest(slide, data) {
  const channels = slide.input[2];
  const best = new Float32Array(channels).fill(-Infinity);
  const result = new Float32Array(slide.output[0] * slide.output[1] * channels);
  each_window(slide, (pixel) => {
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

/** @type {(slide: Slide, data: Float32Array) => Float32Array} */
function mean(slide, data) {
  const channels = slide.input[2];
  const sums = new Float64Array(channels);
  const result = new Float32Array(slide.output[0] * slide.output[1] * channels);
  each_window(slide, (pixel) => {
    for (let channel = 0; channel < channels; channel += 1) sums[channel] += data[pixel * channels + channel];
  }, (output, pixels) => {
    for (let channel = 0; channel < channels; channel += 1) {
      result[output * channels + channel] = sums[channel] / pixels;
    }
    sums.fill(0);
  });
  return result;
}

/** @type {(epsilon: number, weight: (name: string) => Float32Array | null) => Step} */
function normalization(epsilon, weight) {
  const [mean, variance, gamma, beta] = ["moving_mean", "moving_variance", "gamma", "beta"].map(weight);
  const scale = Float64Array.from(variance ?? [], (value) => 1 / Math.sqrt(value + epsilon));
  const factor = scale.map((value, channel) => value * (gamma?.[channel] ?? 1));
  const shift = factor.map((value, channel) => (beta?.[channel] ?? 0) - (mean?.[channel] ?? 0) * value);
  return (data) => {
    const result = new Float32Array(data.length);
    for (let start = 0; start < data.length; start += factor.length) {
      for (let channel = 0; channel < factor.length; channel += 1) {
        result[start + channel] = data[start + channel] * factor[channel] + shift[channel];
      }
    }
    return { result };
  };
}

/**
 * @param {number} value
 * @returns {number} 0 to 1.
 */
export function sigmoid(value) {
  // exp of a negative number only: it may vanish but cannot overflow
  const power = Math.exp(-Math.abs(value));
  return (value >= 0 ? 1 : power) / (1 + power);
}

/** @type {Record<string, (value: number) => number>} */
const FUNCTIONS = {
  // written so that NaN stays NaN
  relu: (value) => (value < 0 ? 0 : value),
  leaky_relu: (value) => (value < 0 ? 0.2 * value : value),
  elu: (value) => (value < 0 ? Math.expm1(value) : value),
  silu: (value) => value * sigmoid(value),
  sigmoid,
  tanh: Math.tanh,
};

/**
 * Apply one activation of the vocabulary, with the constants of Keras 3; `linear` gives the same array back.
 *
 * @param {string} name
 * @param {Float32Array} data For `softmax`, one row of logits.
 * @returns {Float32Array}
 */
export function activate(name, data) {
  if (name === "linear") return data;
  if (name === "relu") return rectify(data);
  if (name === "softmax") return softmax(data);
  return data.map(FUNCTIONS[name]);
}

/** @type {(data: Float32Array) => Float32Array} */
function rectify(data) {
  const result = new Float32Array(data.length);
  for (let n = 0; n < data.length; n += 1) result[n] = data[n] < 0 ? 0 : data[n];
  return result;
}

/** @type {(logits: Float32Array) => Float32Array} */
function softmax(logits) {
  const top = logits.reduce((best, value) => Math.max(best, value), -Infinity);
  const powers = Float64Array.from(logits, (value) => Math.exp(value - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

/** @type {(data: Float32Array, shape: number[], channels: number[]) => Float32Array} */
function without(data, shape, channels) {
  const result = data.slice();
  const step = shape[shape.length - 1];
  for (const channel of channels) {
    for (let n = channel; n < result.length; n += step) result[n] = 0;
  }
  return result;
}
