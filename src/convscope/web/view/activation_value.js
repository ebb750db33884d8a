// One output value written out: the inputs it is made of, times which weights, and what happens to the sum.

import { columns_of } from "#web/core/columns.js";
import { focus_of } from "#web/core/focus.js";
import { describe_layer } from "#web/core/layer_descriptions.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { consumer_indexes, value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { terms } from "#web/core/terms.js";
import { names_of } from "#web/core/value_names.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { show_part } from "#web/view/terms.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */
/** @typedef {import("#web/core/focus.js").Focus} Focus */
/** @typedef {import("#web/core/session.js").Session} Session */

/**
 * @param {HTMLElement} element
 * @param {Session} session
 * @param {import("#web/core/state.js").Store} store
 * @param {() => boolean} is_open whether it can be seen
 */
export function mount(element, session, store, is_open) {
  const { network } = session.bundle;
  const columns = columns_of(network);
  const body = h("div", { class: "terms-body" });
  const equation = h("output", { class: "equation number" });
  fill(element, h("h2", {}, word("value.this")), equation, body);

  function show() {
    if (!session.activations) {
      equation.textContent = "";
      return fill(body, h("p", { class: "soft" }, word("value.first")));
    }
    const focus = focus_of(session, columns, store.get());
    const row = network.layers[focus.layer];
    const found = terms(network, session.weights, session.activations, focus.layer, focus.row, focus.column, focus.channel);
    const explanation = kind_of(row).explain(found, names_of(network, focus.layer));
    equation.textContent = explanation.equation;
    fill(body, position(row, focus), h("p", { class: "small" }, describe_layer(row)), explanation.parts.flatMap((part) => show_part(part, session.bundle)), following(session, focus));
  }

  return {
    show,
    /** @param {State} state @param {State} old */
    update(state, old) {
      const keys = /** @type {(keyof State)[]} */ (["picture", "off", "layer", "channel", "row", "column", "target"]);
      if (is_open() && keys.some((key) => state[key] !== old[key])) show();
    },
    destroy() {},
  };
}

/** @param {LayerRow} row @param {Focus} focus */
function position(row, { channel, row: at_row, column }) {
  const place = row.output_shape.length === 3 ? word("value.map", { map: channel, row: at_row, column }) : word("value.unit", { unit: channel });
  return h("p", { class: "small soft" }, word("value.zero_based", { layer: row.name, place }));
}

/** What the next layers make of this value, as long as they are elementwise. @param {Session} session @param {Focus} focus */
function following({ bundle: { network }, activations }, { layer, row, column, channel }) {
  const lines = [];
  let [next, ...others] = consumer_indexes(network, layer);
  while (activations && next !== undefined && !others.length && kind_of(network.layers[next]).elementwise) {
    const value = value_at(activations.layers[next].output, row, column, channel);
    if (!kind_of(network.layers[next]).identity) lines.push(h("li", {}, `${word("value.then", { layer: network.layers[next].name })} `, h("strong", { class: "number" }, short(value))));
    [next, ...others] = consumer_indexes(network, next);
  }
  return lines.length ? h("ul", { class: "terms-then small" }, lines) : null;
}
