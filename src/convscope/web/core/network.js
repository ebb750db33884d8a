/**
 * What a network is in the page: the shape table that Python writes, and tensors of one picture.
 *
 * @typedef {{shape: number[], data: Float32Array}} Tensor
 * One picture's numbers, without a batch axis: `(h, w, c)` with channels fastest, or `(units,)`.
 *
 * @typedef {{size: number, jump: number, start: number}} ReceptiveField
 * What one output pixel sees on one axis of the picture; `start` is negative inside the padding.
 *
 * @typedef {{
 *   name: string, kind: string, config: Record<string, any>, input_shape: number[], output_shape: number[],
 *   parameters: number, multiply_adds: number, receptive_field: ReceptiveField[] | null,
 * }} LayerRow
 * One line of the shape table; `config` holds Keras's arguments, pairs as (rows, columns).
 *
 * @typedef {{
 *   name: string, input_shape: number[], num_classes: number, parameters: number, multiply_adds: number,
 *   layers: LayerRow[],
 * }} Network
 *
 * @typedef {Record<string, Tensor>} Weights
 * Every weight by its full name, `"conv2d_1/kernel"`, in Keras's layout: rows, columns, channels of one group, filters.
 *
 * @typedef {{name: string, output: Tensor, pre_activation: Tensor | null, depthwise: Tensor | null}} LayerActivation
 * What one layer computed: what the next layer receives; the same before the activation, for a layer that has or is
 * one; and what a separable convolution's first half computed. Tensors may share their numbers: read them only.
 *
 * @typedef {{image: Tensor, layers: LayerActivation[], logits: Float32Array, probabilities: Float32Array}} Activations
 */

const ACTIVATION_LAYERS = /** @type {Record<string, string>} */ ({ ReLU: "relu", Softmax: "softmax" });

/**
 * How many numbers a shape holds.
 *
 * @param {number[]} shape
 * @returns {number}
 */
export function count(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/**
 * A tensor of zeros.
 *
 * @param {number[]} shape
 * @returns {Tensor}
 */
export function zeros(shape) {
  return { shape: [...shape], data: new Float32Array(count(shape)) };
}

/**
 * The activation that a layer ends with, or null for a layer that has none, such as pooling.
 *
 * @param {LayerRow} row
 * @returns {string | null}
 */
export function activation_of(row) {
  return ACTIVATION_LAYERS[row.kind] ?? row.config.activation ?? null;
}

/**
 * One weight of a layer, or null where the layer was made without it (`use_bias`, `center`, `scale`).
 *
 * @param {Weights} weights
 * @param {LayerRow} row
 * @param {string} name Keras's name, such as `"kernel"`.
 * @returns {Float32Array | null}
 */
export function weight_of(weights, row, name) {
  return weights[`${row.name}/${name}`]?.data ?? null;
}

/**
 * The shapes of a layer's weights by Keras's names: what `Layer.weight_shapes` says in Python.
 *
 * @param {LayerRow} row
 * @returns {Record<string, number[]>}
 */
export function weight_shapes(row) {
  const { config, input_shape } = row;
  const channels = input_shape[input_shape.length - 1];
  const multiplier = config.depth_multiplier;
  /** @type {Record<string, number[]>} */
  const shapes = {};
  if (row.kind === "Conv2D") shapes.kernel = [...config.kernel_size, channels / config.groups, config.filters];
  if (row.kind === "DepthwiseConv2D") shapes.kernel = [...config.kernel_size, channels, multiplier];
  if (row.kind === "Dense") shapes.kernel = [channels, config.units];
  if (row.kind === "SeparableConv2D") {
    shapes.depthwise_kernel = [...config.kernel_size, channels, multiplier];
    shapes.pointwise_kernel = [1, 1, channels * multiplier, config.filters];
  }
  if (config.use_bias) shapes.bias = row.output_shape.slice(-1);
  if (row.kind === "BatchNormalization") {
    if (config.scale) shapes.gamma = [channels];
    if (config.center) shapes.beta = [channels];
    shapes.moving_mean = shapes.moving_variance = [channels];
  }
  return shapes;
}

/**
 * Where a number lies, given its index in the flattened tensor.
 *
 * @param {number} index
 * @param {number[]} shape `(h, w, c)`, or `(units,)`, which counts as one pixel.
 * @returns {{row: number, column: number, channel: number}}
 */
export function place_of(index, shape) {
  const channels = shape[shape.length - 1];
  const width = shape.length === 3 ? shape[1] : 1;
  const pixel = Math.floor(index / channels);
  return { row: Math.floor(pixel / width), column: pixel % width, channel: index % channels };
}
