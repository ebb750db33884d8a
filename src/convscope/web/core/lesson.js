/**
 * A lesson in eight steps on the network of the page: where each step leads, what it asks, and the answer, which is
 * computed from this network and its image.
 *
 * @typedef {import("#web/core/session.js").Session} Session
 * @typedef {import("#web/core/state.js").State} State
 * @typedef {{name: string, layer: number}} Step `layer`: where it is shown; -1 for a step that this network does not have
 * @typedef {object} Task
 * @property {Partial<State>} state where the page goes
 * @property {"number"|"place"|"class"} kind a number to enter, a value of the map or a class to select
 * @property {Record<string, string|number>} values of its texts
 * @property {string} answer as text
 * @property {(given: number, state: State) => boolean} check `given` is the number that was entered
 */

import { activation_of, softmax } from "#web/core/activations.js";
import { columns_of } from "#web/core/columns.js";
import { focus_of, shown_output } from "#web/core/focus.js";
import { value_at } from "#web/core/network.js";
import { count, short } from "#web/core/scale.js";
import { names_of } from "#web/core/value_names.js";
import { word } from "#web/core/words.js";
import { written_value } from "#web/core/written_value.js";

/** Numbers are printed with two digits or more: one unit of the second is right. */
const NEAR = 0.0101;

/**
 * @param {Session} session
 * @returns {Step[]} eight
 */
export function lesson_steps({ bundle: { network } }) {
  const find = (/** @type {(row: import("#web/core/network.js").LayerRow) => boolean} */ fits) => network.layers.findIndex(fits);
  const conv = find(({ config }) => Boolean(config.filters && config.groups));
  const dense = network.layers.map(({ kind }) => kind).lastIndexOf("Dense");
  return [
    { name: "pixel", layer: conv }, { name: "filter", layer: conv }, { name: "slide", layer: conv }, { name: "map", layer: conv },
    { name: "relu", layer: find((row) => Boolean(activation_of(row)?.name.includes("relu"))) },
    { name: "pool", layer: find(({ kind }) => kind.includes("Pooling")) },
    { name: "dense", layer: dense },
    { name: "softmax", layer: network.num_classes > 1 ? network.layers.length - 1 : -1 },
  ];
}

/**
 * @param {Session} session with activations
 * @param {Step} step one that the network has
 * @param {State} state
 * @returns {Task}
 */
export function lesson_task(session, { name, layer }, state) {
  const { network } = session.bundle;
  const { config, input_shape, output_shape } = network.layers[layer];
  const first = { layer, channel: -1, row: -1, column: -1 };
  switch (name) {
    case "pixel": return number(first, largest_in_window(session, { ...state, ...first }), 2);
    case "filter": return number(first, (config.kernel_size[0] * config.kernel_size[1] * input_shape[2]) / config.groups);
    case "slide": return number({ ...first, row: 0, column: 0, channel: strongest(session, layer, state).channel }, output_shape[1]);
    case "map": return map_task(session, layer, state);
    case "relu": return relu_task(session, layer);
    case "pool": return number(first, output_shape.length === 3 ? output_shape[0] * output_shape[1] : 1, 0, { size: input_shape[0] * input_shape[1] });
    case "dense": return number({ ...first, target: -1 }, input_shape[0]);
    default: return class_task(session);
  }
}

/** @param {Partial<State>} state @param {number} expected @param {number} [digits] 0 for a count @param {Record<string, string|number>} [values] @returns {Task} */
function number(state, expected, digits = 0, values = {}) {
  const answer = digits ? expected.toFixed(digits) : count(expected);
  return { state, kind: "number", values, answer, check: (given) => Math.abs(given - expected) <= (digits ? NEAR : 0) };
}

/** @param {Session} session @param {number} layer @param {State} state */
const strongest = (session, layer, state) => focus_of(session, columns_of(session.bundle.network), { ...state, layer, channel: -1, row: -1, column: -1 });

/** @param {Session} session @param {State} state */
function largest_in_window(session, state) {
  const focus = focus_of(session, columns_of(session.bundle.network), state);
  const taps = written_value(session, focus, names_of(session.bundle.network, focus.layer)).taps?.taps.flat() ?? [];
  return Math.max(...taps.map(({ pixel }) => pixel));
}

/** @param {Session} session @param {number} layer @param {State} state @returns {Task} */
function map_task(session, layer, state) {
  const { channel } = strongest(session, layer, state);
  const tensor = shown_output(session, columns_of(session.bundle.network), layer);
  if (!tensor) throw new Error("Expected a computed image. Received: none.");
  const [height, width, maps] = tensor.shape;
  let best = 0;
  for (let at = 1; at < height * width; at += 1) if (tensor.data[at * maps + channel] > tensor.data[best * maps + channel]) best = at;
  const largest = tensor.data[best * maps + channel];
  const far = best < (height * width) / 2 ? { row: height - 1, column: width - 1 } : { row: 0, column: 0 };
  return {
    state: { layer, channel, ...far }, kind: "place", values: {},
    answer: word("lesson.place", { row: Math.floor(best / width), column: best % width }),
    check: (_, now) => now.layer === layer && now.channel === channel && now.row >= 0 && value_at(tensor, now.row, now.column, channel) === largest,
  };
}

/** The place with the smallest sum. @param {Session} session @param {number} layer @returns {Task} */
function relu_task({ bundle: { network }, activations }, layer) {
  const { output, pre_activation } = /** @type {import("#web/core/network.js").Activations} */ (activations).layers[layer];
  const sums = (pre_activation ?? output).data;
  let least = 0;
  for (let at = 1; at < sums.length; at += 1) if (sums[at] < sums[least]) least = at;
  const maps = output.shape[output.shape.length - 1];
  const pixel = Math.floor(least / maps);
  const place = output.shape.length === 3 ? { channel: least % maps, row: Math.floor(pixel / output.shape[1]), column: pixel % output.shape[1] } : { channel: -1, row: 0, column: least };
  return number({ layer, ...place }, output.data[least], 2, { sum: short(sums[least]), name: activation_of(network.layers[layer])?.name ?? "" });
}

/** @param {Session} session @returns {Task} */
function class_task({ bundle: { network, class_names, temperature }, activations }) {
  const chances = softmax(activations?.logits ?? [], temperature);
  const [, second] = [...chances.keys()].sort((a, b) => chances[b] - chances[a]);
  return {
    state: { layer: network.layers.length - 1, channel: -1, row: -1, column: -1, target: -1 }, kind: "class", values: {}, answer: class_names[second],
    check: (_, { target }) => target >= 0 && chances[target] === chances[second],
  };
}
