// The page of a sliding window: its input, kernel and output, and each value of the output as its products.

import { axis_of, output_size, tap_positions } from "#web/core/conv_arithmetic.js";
import { window_of_state } from "#web/core/hyperparameter_state.js";
import { caption, formula, padding_of } from "#web/core/hyperparameters.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { random_kernel, random_pixels } from "#web/core/seeded_random.js";
import { to_tensor } from "#web/core/settings.js";
import { check_shapes } from "#web/core/shape_check.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */
/** @typedef {import("#web/core/settings.js").Settings} Settings */
/** @typedef {import("#web/core/hyperparameter_state.js").HyperparameterState} HyperparameterState */

/**
 * @typedef {object} SlidingWindow
 * @property {string} operation conv, max, average
 * @property {LayerRow} layer the window as a layer of a network; its output_shape is valid where there is no problem
 * @property {import("#web/core/shape_check.js").ShapeProblem|null} problem why there is no output
 * @property {number} groups for pooling: the channels
 * @property {number} filters for pooling: the channels
 * @property {[number, number][]} padding zeros before and after, of the rows and of the columns
 * @property {Tensor} input (h, w, c)
 * @property {Tensor|null} kernel (rows, columns, channels of a group, filters); null for pooling, and for groups that do
 *     not fit
 * @property {Tensor|null} bias (filters,)
 * @property {Tensor|null} output (rows, columns, filters)
 * @property {string} caption
 * @property {string[]} formulas of the rows and of the columns
 */

/** The parts of the state that choose what is shown, not what is computed. */
export const SELECTION = ["row", "column", "filter", "channel", "linked", "numbers"];

/** The layer kind of each operation; all of them must be loaded. @type {Record<string, string>} */
export const KINDS = { conv: "Conv2D", max: "MaxPooling2D", average: "AveragePooling2D" };

/**
 * @param {Settings} settings whose values are shown where they have the shape that the hyperparameters ask for
 * @param {HyperparameterState} state
 * @returns {SlidingWindow} always; what does not fit is its `problem`
 */
export function compute_window(settings, state) {
  const window = window_of_state(state);
  const { operation, channels } = state;
  const size = [state.rows, state.columns];
  const pools = operation !== "conv";
  const [groups, filters] = pools ? [channels, channels] : [state.groups, state.filters];
  const problem = check_shapes(window, { size, channels, filters, groups, pools });
  const input = given(settings.pixels, [...size, channels], state.seed, random_pixels);
  const depth = channels / groups;
  const kernel = pools || !Number.isInteger(depth) ? null : given(settings.kernel, [...window.kernel_size, depth, filters], state.seed, random_kernel);
  const bias = !pools && settings.bias?.length === filters ? to_tensor(settings.bias) : null;
  const sizes = /** @type {const} */ ([0, 1]).map((axis) => {
    const { kernel_size, ...options } = axis_of(window, axis);
    return output_size(size[axis], kernel_size, options);
  });
  /** @type {LayerRow} */
  const layer = {
    name: "window", kind: KINDS[operation], input_shape: input.shape, output_shape: [...sizes, filters],
    config: { ...window, groups, filters }, inputs: [], parameters: 0, multiply_adds: 0, receptive_field: null,
  };
  return {
    operation, layer, problem, groups, filters, padding: padding_of(window, size), input, kernel, bias,
    output: problem ? null : output_of(layer, input, kernel, bias),
    caption: caption(window, { size, channels, output: problem ? null : layer.output_shape, groups }),
    formulas: [0, 1].map((axis) => formula(size[axis], window, /** @type {0|1} */ (axis))),
  };
}

/**
 * One value of the output as its products.
 * @param {SlidingWindow} window with an output
 * @param {number} r
 * @param {number} c
 * @param {number} filter
 * @returns {import("#web/layer_kind.d.ts").ConvolutionTerms|import("#web/layer_kind.d.ts").PoolingTerms}
 * @throws {Error} There is no output.
 */
export function terms_at({ layer, input, kernel, bias, output }, r, c, filter) {
  if (!output) throw new Error("Expected a window that fits. Received: one without an output.");
  const value = output.data[(r * output.shape[1] + c) * output.shape[2] + filter];
  const found = kind_of(layer).terms({
    row: layer, weight: weight_in(kernel, bias), inputs: [input], r, c, channel: filter, value, pre_activation: null, limit: 0,
  });
  return /** @type {any} */ (found);
}

/**
 * The window whose middle is nearest to a pixel.
 * @param {LayerRow} layer with a window that fits
 * @param {0|1} axis rows or columns
 * @param {number} at of the input; may lie in the padding or beyond
 * @returns {number} the output's row or column
 */
export function nearest(layer, axis, at) {
  const taps = tap_positions(layer, axis, 0);
  const middle = (taps[0] + taps[taps.length - 1]) / 2;
  const place = Math.round((at - middle) / layer.config.strides[axis]);
  return Math.min(Math.max(place, 0), layer.output_shape[axis] - 1);
}

/**
 * The channels of the input that a filter reads.
 * @param {Pick<SlidingWindow, "input"|"groups"|"filters">} window
 * @param {number} filter
 * @returns {[number, number]} the first and the last
 */
export function channels_read({ input, groups, filters }, filter) {
  const depth = Math.max(1, Math.floor(input.shape[2] / groups));
  const first = Math.floor((filter * groups) / filters) * depth;
  return [first, Math.min(first + depth, input.shape[2]) - 1];
}

/**
 * The selected place, clipped to the output.
 * @param {SlidingWindow} window
 * @param {Pick<HyperparameterState, "row"|"column"|"filter"|"channel">} state
 * @returns {{row: number, column: number, filter: number, channel: number}}
 */
export function place_in({ operation, input, layer }, state) {
  const [rows, columns, filters] = layer.output_shape.map((size) => Math.max(size, 1));
  const filter = Math.min(state.filter, filters - 1);
  const channel = operation === "conv" ? Math.min(state.channel, input.shape[2] - 1) : filter;
  return { row: Math.min(state.row, rows - 1), column: Math.min(state.column, columns - 1), filter, channel };
}

/** @param {LayerRow} layer @param {Tensor} input @param {Tensor|null} kernel @param {Tensor|null} bias @returns {Tensor} */
function output_of(layer, input, kernel, bias) {
  const { result } = kind_of(layer).forward(layer, weight_in(kernel, bias))([input.data]);
  return { shape: layer.output_shape, data: result };
}

/** @param {Tensor|null} kernel @param {Tensor|null} bias @returns {(name: string) => Tensor|null} */
const weight_in = (kernel, bias) => (name) => (name === "kernel" ? kernel : name === "bias" ? bias : null);

/** The given values, or random ones of another shape. @param {any[]|null} lists @param {number[]} shape @param {number} seed @param {(shape: number[], seed: number) => Tensor} draw */
function given(lists, shape, seed, draw) {
  const tensor = lists && seed === 0 ? to_tensor(lists) : null;
  return tensor?.shape.join() === shape.join() ? tensor : draw(shape, seed);
}
