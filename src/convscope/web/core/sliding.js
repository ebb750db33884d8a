// A sliding window worked out: what goes in, what comes out, and each number of the output as its products.

import { kernel_by_chance, pixels_by_chance } from "#web/core/chance.js";
import { output_size, axis_of, tap_positions } from "#web/core/conv.js";
import { misfit } from "#web/core/fitting.js";
import { window_of_state } from "#web/core/letter_state.js";
import { caption, formula, padding_of } from "#web/core/letters.js";
import { convolved, pooled } from "#web/core/output.js";
import { to_tensor } from "#web/core/settings.js";
import { terms } from "#web/core/terms.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */
/** @typedef {import("#web/core/settings.js").Settings} Settings */
/** @typedef {import("#web/core/letter_state.js").LetterState} LetterState */

/**
 * @typedef {object} Slide
 * @property {string} operation conv, max, average
 * @property {LayerRow} layer the window as a layer of a network, whose shapes hold where it fits
 * @property {import("#web/core/fitting.js").Misfit|null} misfit why nothing comes out
 * @property {number} groups of pooling: the channels
 * @property {number} filters of pooling: the channels
 * @property {[number, number][]} padding zeros before and after, of the rows and of the columns
 * @property {Tensor} input (h, w, c)
 * @property {Tensor|null} kernel (rows, columns, channels of a group, filters); null for pooling, and for groups that do
 *     not fit
 * @property {Tensor|null} bias (filters,)
 * @property {Tensor|null} output (rows, columns, filters)
 * @property {string} caption
 * @property {string[]} formulas of the rows and of the columns
 */

/** The fields of a state that say where to look; they change no number. */
export const PLACE = ["row", "column", "filter", "channel", "alike", "numbers"];

const KINDS = /** @type {Record<string, string>} */ ({ conv: "Conv2D", max: "MaxPooling2D", average: "AveragePooling2D" });

/**
 * @param {Settings} settings whose numbers are shown where they have the shape that the letters ask for
 * @param {LetterState} state
 * @returns {Slide} always; what does not fit is said in `misfit`
 */
export function slide(settings, state) {
  const window = window_of_state(state);
  const { operation, channels } = state;
  const size = [state.rows, state.columns];
  const pools = operation !== "conv";
  const [groups, filters] = pools ? [channels, channels] : [state.groups, state.filters];
  const wrong = misfit(window, { size, channels, filters, groups, pools });
  const input = given(settings.pixels, [...size, channels], state.seed, pixels_by_chance);
  const depth = channels / groups;
  const kernel = pools || !Number.isInteger(depth) ? null : given(settings.kernel, [...window.kernel_size, depth, filters], state.seed, kernel_by_chance);
  const bias = !pools && settings.bias?.length === filters ? to_tensor(settings.bias) : null;
  const sizes = [0, 1].map((axis) => {
    const { kernel_size, ...rest } = axis_of(window, /** @type {0|1} */ (axis));
    return output_size(size[axis], kernel_size, rest);
  });
  /** @type {LayerRow} */
  const layer = {
    name: "window", kind: KINDS[operation], input_shape: input.shape, output_shape: [...sizes, filters],
    config: { ...window, groups, filters, activation: pools ? null : "linear" },
    parameters: 0, multiply_adds: 0, receptive_field: null,
  };
  return {
    operation, layer, misfit: wrong, groups, filters, padding: padding_of(window, size), input, kernel, bias,
    output: wrong ? null : kernel ? convolved(layer, input, kernel, bias) : pooled(layer, input),
    caption: caption(window, { size, channels, output: wrong ? null : layer.output_shape, groups }),
    formulas: [0, 1].map((axis) => formula(size[axis], window, /** @type {0|1} */ (axis))),
  };
}

/**
 * One number of the output as its products.
 * @param {Slide} made with an output
 * @param {number} r
 * @param {number} c
 * @param {number} filter
 * @returns {import("#web/core/terms.js").ConvolutionTerms|import("#web/core/terms.js").PoolingTerms}
 * @throws {Error} There is no such number.
 */
export function terms_at({ layer, input, kernel, bias, output }, r, c, filter) {
  if (!output) throw new Error("Expected a window that fits. Received: one without an output.");
  const network = { name: "window", input_shape: input.shape, num_classes: 0, parameters: 0, multiply_adds: 0, layers: [layer] };
  const weights = { ...(kernel && { "window/kernel": kernel }), ...(bias && { "window/bias": bias }) };
  const nothing = new Float32Array();
  const layers = [{ name: "window", output, pre_activation: null, depthwise: null }];
  const found = terms(network, weights, { image: input, layers, logits: nothing, probabilities: nothing }, 0, r, c, filter);
  return /** @type {any} */ (found);
}

/**
 * The window whose middle lies nearest to a pixel.
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
 * @param {Pick<Slide, "input"|"groups"|"filters">} made
 * @param {number} filter
 * @returns {[number, number]} the first and the last
 */
export function reads({ input, groups, filters }, filter) {
  const depth = Math.max(1, Math.floor(input.shape[2] / groups));
  const first = Math.floor((filter * groups) / filters) * depth;
  return [first, Math.min(first + depth, input.shape[2]) - 1];
}

/**
 * The place that a state looks at, moved to where there is one.
 * @param {Slide} made
 * @param {Pick<LetterState, "row"|"column"|"filter"|"channel">} state
 * @returns {{row: number, column: number, filter: number, channel: number}}
 */
export function place_in({ operation, input, layer }, state) {
  const [rows, columns, filters] = layer.output_shape.map((size) => Math.max(size, 1));
  const filter = Math.min(state.filter, filters - 1);
  const channel = operation === "conv" ? Math.min(state.channel, input.shape[2] - 1) : filter;
  return { row: Math.min(state.row, rows - 1), column: Math.min(state.column, columns - 1), filter, channel };
}

/** The numbers that were given, or others by chance. @param {any[]|null} lists @param {number[]} shape @param {number} seed @param {(shape: number[], seed: number) => Tensor} draw */
function given(lists, shape, seed, draw) {
  const tensor = lists && seed === 0 ? to_tensor(lists) : null;
  return tensor?.shape.join() === shape.join() ? tensor : draw(shape, seed);
}
