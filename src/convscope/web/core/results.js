/**
 * What the page shows of a picture of one's own, computed at once: in the worker where there is one.
 *
 * @typedef {import("#web/core/session.js").Session} Session
 * @typedef {import("#web/core/network.js").Activations} Activations
 * @typedef {import("#web/core/columns.js").Column} Column
 * @typedef {import("#web/core/contributions.js").Contributions} Contributions
 * @typedef {import("#web/core/strongest_path.js").Edge} Edge
 * @typedef {import("#web/core/map_pixels.js").Pixels} Pixels
 * @typedef {Pick<Session["bundle"], "network"|"preprocessing"> & {pictures: {entries: unknown[]}}} Facts
 * @typedef {Pick<Session, "pixels"|"paper"|"weights"> & {bundle: Facts}} Source the network of the page, with images or without
 *
 * @typedef {object} Display How the network is displayed now.
 * @property {string} key another one where other pixels are needed
 * @property {import("#web/core/network_layout.js").Place[]} places of the columns
 * @property {import("#web/core/map_pixels.js").Look} look
 * @property {number} layer State.layer: a layer inside its column is shown instead of the column's own
 * @property {number} target State.target: the class of the edges; the predicted one for -1
 * @property {boolean} edges whether edges are wanted now
 * @property {import("#web/core/network_drawing.js").Stage|null} stage for a worker that was lent canvases: where it draws what it computes
 * @property {Edge[]} drawn edges of an earlier image, which are drawn where no others are wanted
 *
 * @typedef {{path: Edge[], found: Contributions, took: number}} Path `took`: milliseconds
 * @typedef {{key: string, target: number, columns: Pixels[]|null, path: Path|null}} Displayed as in the `Display` that it was computed for; no columns
 *     where the worker has drawn them
 * @typedef {{selected: Uint8Array|null, activations: Activations|null, displayed: Displayed|null}} Results as in `Session`
 */

import { contribution_steps } from "#web/core/contributions.js";
import { shown_output } from "#web/core/focus.js";
import { has_ink, picture_of, to_image } from "#web/core/selected_image.js";
import { column_pixels } from "#web/core/map_pixels.js";
import { strongest_path } from "#web/core/strongest_path.js";

/** @typedef {import("#web/core/forward.js").Off} Off */

/**
 * @param {Source} source
 * @param {import("#web/core/forward.js").Engine} engine of its network
 * @param {Column[]} columns
 * @param {{picture: string, off: Off, display: Display|null}} asked `picture`: State.picture; a `display` of null needs activations only
 * @returns {Results} no activations without ink
 */
export function results_of(source, engine, columns, { picture, off, display }) {
  const { bundle, weights } = source;
  const selected = picture_of(source, picture);
  if (!selected || !has_ink({ ...source, picture, selected })) return { selected, activations: null, displayed: null };
  const activations = engine.run(to_image(selected, bundle.network.input_shape), { off });
  if (!display) return { selected, activations, displayed: null };
  const computed = { bundle, weights, activations, selected };
  const contents = contents_of(computed, columns, display.layer);
  return {
    selected, activations,
    displayed: {
      key: display.key,
      target: display.target,
      columns: contents.map((content, index) => column_pixels(display.places[index], content, display.look)),
      path: display.edges ? path_to(computed, columns, class_of(activations, display.target), off) : null,
    },
  };
}

/**
 * What each column shows.
 * @param {Pick<Session, "activations"|"selected"> & {bundle: Facts}} session
 * @param {Column[]} columns
 * @param {number} open State.layer
 * @returns {import("#web/core/map_pixels.js").Content[]}
 */
export function contents_of(session, columns, open) {
  return columns.map((column, index) => {
    if (index === 0) return { tensor: null, bytes: session.selected, shape: session.bundle.network.input_shape };
    const shown = column.layers.includes(open) && open !== column.main ? open : column.main;
    const tensor = shown_output(session, columns, shown);
    return { tensor, shape: tensor?.shape ?? column.shape };
  });
}

/**
 * The class that edges lead to.
 * @param {Activations} activations
 * @param {number} target State.target
 */
export function class_of({ logits }, target) {
  return target >= 0 && target < logits.length ? target : logits.indexOf(Math.max(...logits));
}

/** @typedef {Pick<Session, "weights"|"activations"> & {bundle: Facts}} Computed */

/**
 * Contributions and edges, a few steps at a time.
 * @param {Computed} session with activations
 * @param {Column[]} columns
 * @param {number} k the class
 * @param {Off} off
 * @returns {Generator<void, {path: Edge[], found: Contributions}>}
 */
export function* path_steps(session, columns, k, off) {
  const { bundle: { network }, weights } = session;
  const activations = /** @type {Activations} */ (session.activations);
  const found = yield* contribution_steps(network, weights, activations, k, { off });
  return { found, path: yield* strongest_path(session, columns, found, k) };
}

/** @param {Computed} session @param {Column[]} columns @param {number} k @param {Off} off @returns {Path} */
function path_to(session, columns, k, off) {
  const began = performance.now();
  const steps = path_steps(session, columns, k, off);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return { ...value, took: performance.now() - began };
  }
}
