/**
 * The value that is written out: the selected one, or the strongest pixel of the strongest map.
 *
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {import("#web/core/columns.js").Column} Column
 * @typedef {import("#web/core/state.js").State} State
 * @typedef {import("#web/core/session.js").Session} Session
 * @typedef {{layer: number, channel: number, row: number, column: number}} Focus All inside the layer; of a layer without
 * rows and columns only `channel`, the unit, has a meaning, and row and column are 0.
 */

import { column_of } from "#web/core/columns.js";

/**
 * @param {Session} session
 * @param {Column[]} columns
 * @param {State} state A link may name a layer, map or pixel that does not exist.
 * @returns {Focus}
 */
export function focus_of(session, columns, state) {
  const { layers } = session.bundle.network;
  const layer = Math.min(Math.max(state.layer, 0), layers.length - 1);
  const shape = layers[layer].output_shape;
  const output = shown_output(session, columns, layer);
  if (shape.length !== 3) {
    const inside = state.row >= 0 && state.column >= 0 && state.column < shape[0];
    return { layer, channel: inside ? state.column : output ? strongest_unit(session, layer, state, output) : 0, row: 0, column: 0 };
  }
  const channel = state.channel >= 0 ? Math.min(state.channel, shape[2] - 1) : output ? largest(output.data) % shape[2] : 0;
  const inside = state.row >= 0 && state.row < shape[0] && state.column >= 0 && state.column < shape[1];
  const [row, column] = inside ? [state.row, state.column] : strongest_pixel(output, channel, shape);
  return { layer, channel, row, column };
}

/**
 * What the column of a layer shows: the output of the last layer in it that has the same pixels.
 *
 * @param {Pick<Session, "activations"> & {bundle: Pick<Session["bundle"], "network">}} session
 * @param {Column[]} columns
 * @param {number} layer
 * @returns {Tensor | null}
 */
export function shown_output({ bundle: { network }, activations }, columns, layer) {
  if (!activations) return null;
  const column = columns[column_of(columns, layer)];
  if (layer !== column.main) return activations.layers[layer].output;
  const same = column.layers.filter((at) => String(network.layers[at].output_shape) === String(network.layers[layer].output_shape));
  return activations.layers[same[same.length - 1]].output;
}

/** The chosen or predicted class; of other layers the largest value. @type {(session: Session, layer: number, state: State, output: Tensor) => number} */
function strongest_unit({ bundle: { network } }, layer, { target }, output) {
  const classes = output.data.length === network.num_classes && layer >= network.layers.length - 2;
  return classes && target >= 0 && target < network.num_classes ? target : largest(output.data);
}

/** @type {(output: Tensor | null, channel: number, shape: number[]) => [number, number]} */
function strongest_pixel(output, channel, [height, width, channels]) {
  let best = -1;
  for (let pixel = 0; output && pixel < height * width; pixel += 1) {
    const value = Math.abs(output.data[pixel * channels + channel]);
    if (value > (best < 0 ? 0 : Math.abs(output.data[best * channels + channel]))) best = pixel;
  }
  return best < 0 ? [Math.floor(height / 2), Math.floor(width / 2)] : [Math.floor(best / width), best % width];
}

/** The position of the largest number. @param {ArrayLike<number>} values */
function largest(values) {
  let best = 0;
  for (let at = 1; at < values.length; at += 1) if (values[at] > values[best]) best = at;
  return best;
}
