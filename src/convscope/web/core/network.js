/**
 * A network as the page sees it: the layers that Python lists in the bundle, and the tensors of one image.
 *
 * @typedef {Omit<import("#web/bundle.d.ts").LayerJson, "inputs"> & {inputs?: string[]}} LayerRow
 * One layer; `config` holds Keras's arguments, pairs as (rows, columns). `inputs` names the layers that feed it, or
 * "input" for the image; a layer without it follows the layer before.
 *
 * @typedef {Omit<import("#web/bundle.d.ts").NetworkJson, "layers"> & {layers: LayerRow[]}} Network
 * Layers in the order of computation; the last one gives the probabilities.
 *
 * @typedef {{shape: number[], data: Float32Array}} Tensor
 * One image's values, without a batch axis: `(h, w, c)` with channels fastest, or `(units,)`.
 *
 * @typedef {Record<string, Tensor>} Weights
 * Every weight by its full name, `"conv2d_1/kernel"`, in Keras's layout: rows, columns, channels of one group, filters.
 *
 * @typedef {{name: string, output: Tensor, pre_activation: Tensor | null, depthwise: Tensor | null}} LayerActivation
 * What one layer computed: its output; the values before the activation, for a layer that has or is one; and the
 * depthwise result of a separable convolution. Tensors may share memory: do not write to them.
 *
 * @typedef {{image: Tensor, layers: LayerActivation[], logits: Float32Array, probabilities: Float32Array}} Activations
 */

/** The name by which a layer's `inputs` refer to the image. */
export const IMAGE = "input";

/**
 * How many values a shape holds.
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
 * Positions of the layers that feed a layer; -1 is the image.
 *
 * @param {Network} network
 * @param {number} index
 * @returns {number[]} In the order of its inputs, at least one.
 * @throws {Error} An input is not the image or an earlier layer.
 */
export function input_indexes(network, index) {
  const { name, inputs } = network.layers[index];
  if (!inputs) return [index - 1];
  return inputs.map((input) => {
    const found = input === IMAGE ? -1 : network.layers.findIndex((row) => row.name === input);
    if (found >= index || (found < 0 && input !== IMAGE)) {
      throw new Error(`Expected the inputs of ${name} to be earlier layers or "${IMAGE}". Received: ${input}.`);
    }
    return found;
  });
}

/**
 * Positions of the layers that read a layer's output.
 *
 * @param {Network} network
 * @param {number} index
 * @returns {number[]}
 */
export function consumer_indexes(network, index) {
  return network.layers.flatMap((_, at) => (at > index && input_indexes(network, at).includes(index) ? [at] : []));
}

/**
 * The tensors that a layer received.
 *
 * @param {Network} network
 * @param {Activations} activations
 * @param {number} index
 * @returns {Tensor[]} One for each input.
 */
export function inputs_of(network, activations, index) {
  return input_indexes(network, index).map((at) => (at < 0 ? activations.image : activations.layers[at].output));
}

/**
 * The weights of one layer by Keras's names.
 *
 * @param {Weights} weights
 * @param {LayerRow} row
 * @returns {(name: string) => Tensor | null} null for a weight that the layer does not have
 */
export function weights_of(weights, row) {
  return (name) => weights[`${row.name}/${name}`] ?? null;
}

/**
 * One value of a tensor.
 *
 * @param {Tensor} tensor `(h, w, c)`, or `(units,)`, where only the channel counts.
 * @param {number} r
 * @param {number} c
 * @param {number} channel
 * @returns {number}
 */
export function value_at({ shape, data }, r, c, channel) {
  return shape.length === 3 ? data[(r * shape[1] + c) * shape[2] + channel] : data[channel];
}

/**
 * Row, column and channel of a value, given its index in the flattened tensor.
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
