// One output value written out: the inputs it is made of, times which weights, and what happens to the sum.

import { kind_of } from "#web/core/layer_kinds.js";
import { consumer_indexes, input_indexes, value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { terms } from "#web/core/terms.js";
import { fill, h } from "#web/view/dom.js";
import { show_part } from "#web/view/terms.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */
/** @typedef {import("#web/core/network.js").Network} Network */
/** @typedef {import("#web/core/session.js").Session} Session */

/**
 * @param {HTMLElement} element
 * @param {Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { network } = session.bundle;
  const body = h("div", { class: "terms-body", "aria-live": "off" });
  const equation = h("output", { class: "equation number", "aria-live": "polite" });
  fill(element, h("h2", {}, "How a value is computed"), equation, body);
  show(store.get());

  /** @param {State} state */
  function show(state) {
    const row = network.layers[state.layer];
    const flat = row.output_shape.length !== 3;
    const [height, width] = flat ? [1, row.output_shape[0]] : row.output_shape;
    if (!session.activations || state.row < 0 || state.row >= height || state.column >= width) {
      equation.textContent = "";
      fill(body, h("p", { class: "soft" }, session.activations ? "Select a pixel of the map, or press Play." : "Draw a digit or choose an image first."));
      return;
    }
    const channel = flat ? state.column : Math.min(state.channel, row.output_shape[2] - 1);
    const found = terms(network, session.weights, session.activations, state.layer, state.row, state.column, channel);
    const explanation = kind_of(row).explain(found, names_of(network, state.layer));
    equation.textContent = explanation.equation;
    fill(body, position(row, state, channel), explanation.parts.flatMap((part) => show_part(part, session.bundle)), following(session, state, channel));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      const keys = /** @type {(keyof State)[]} */ (["picture", "off", "layer", "channel", "row", "column"]);
      if (keys.some((key) => state[key] !== old[key])) show(state);
    },
    destroy() {},
  };
}

/** @param {LayerRow} row @param {State} state @param {number} channel */
function position(row, state, channel) {
  const place = row.output_shape.length === 3 ? `map ${channel}, row ${state.row}, column ${state.column}` : `unit ${channel}`;
  return h("p", { class: "small soft" }, `${row.name}, ${place} (zero-based)`);
}

/** What the next layers make of this value, as long as they are elementwise. @param {Session} session @param {State} state @param {number} channel */
function following({ bundle: { network }, activations }, state, channel) {
  const lines = [];
  let [next, ...others] = consumer_indexes(network, state.layer);
  while (activations && next !== undefined && !others.length && kind_of(network.layers[next]).elementwise) {
    const value = value_at(activations.layers[next].output, state.row, state.column, channel);
    if (!kind_of(network.layers[next]).identity) lines.push(h("li", {}, `then ${network.layers[next].name}: `, h("strong", { class: "number" }, short(value))));
    [next, ...others] = consumer_indexes(network, next);
  }
  return lines.length ? h("ul", { class: "terms-then small" }, lines) : null;
}

/** @param {Network} network @param {number} layer @returns {import("#web/layer_kind.d.ts").Names} */
function names_of(network, layer) {
  const sources = input_indexes(network, layer);
  return {
    inputs: sources.map((at) => (at < 0 ? "the image" : network.layers[at].name)),
    origin: (index) => origin(network, sources[0], index),
  };
}

/** The map that one value of a flat layer comes from. @param {Network} network @param {number} layer @param {number} index @returns {string} */
function origin(network, layer, index) {
  if (layer >= 0) {
    const row = network.layers[layer];
    const kind = kind_of(row);
    if (kind.origin) return kind.origin(row, index);
    if (kind.keeps_positions) return origin(network, input_indexes(network, layer)[0], index);
  }
  return `unit ${index}`;
}
