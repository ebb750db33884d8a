// The input of the selected layer, beside its output: one map, and the window on it.

import { kind_of } from "#web/core/layer_kinds.js";
import { input_indexes, inputs_of } from "#web/core/network.js";
import { input_span } from "#web/core/receptive_field.js";
import { largest_magnitude } from "#web/core/scale.js";
import { terms } from "#web/core/terms.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { paint_map, place_frame } from "#web/view/feature_map.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/session.js").Session} Session */
/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */

/**
 * @param {Session} session
 */
export function layer_input(session) {
  const { network } = session.bundle;
  const canvas = h("canvas", { class: "layer-reads", "aria-hidden": "true" });
  const frame = h("span", { class: "frame", hidden: true });
  const caption = h("figcaption", { class: "small soft" });
  const element = h("figure", { class: "layer-source" }, h("span", { class: "framed" }, canvas, frame), caption);

  /** @param {State} state */
  function show(state) {
    const row = network.layers[state.layer];
    const [height, width] = row.output_shape.length === 3 ? row.output_shape : [1, row.output_shape[0]];
    const inside = state.row >= 0 && state.row < height && state.column < width;
    const chosen = inside ? strongest_channel(session, state) : null;
    const which = chosen?.input ?? 0;
    const input = session.activations && inputs_of(network, session.activations, state.layer)[which];
    element.hidden = !input || input.shape.length !== 3;
    if (!input || !session.selected || element.hidden) return;
    const indexes = input_indexes(network, state.layer);
    const [source, others] = [indexes[which], indexes.filter((_, index) => index !== which)];
    const channel = chosen?.channel ?? Math.min(state.channel, input.shape[2] - 1);
    if (source < 0) paint_bytes(canvas, network.input_shape, session.selected);
    else paint_map(canvas, input, channel, largest_magnitude(input.data));
    place_frame(frame, inside ? span(row, state) : null, input.shape);
    const name = source < 0 ? "the image" : `map ${channel} of ${network.layers[source].name}`;
    const note = chosen?.strongest && source >= 0 ? " (largest contribution)" : "";
    const more = others.map((at) => (at < 0 ? "the image" : network.layers[at].name));
    fill(caption, `Input: ${name}${note}${more.length ? `; also ${more.join(", ")}` : ""}`);
  }
  return { element, show };
}

/** @param {LayerRow} row @param {State} state */
function span(row, state) {
  const copied = kind_of(row).unit_source?.(row, state.column);
  if (copied) return { r0: copied.row, r1: copied.row, c0: copied.column, c1: copied.column };
  return input_span(row, { r0: state.row, r1: state.row, c0: state.column, c1: state.column });
}

/**
 * The input map that the selected value depends on most.
 * @param {Session} session @param {State} state
 * @returns {{input: number, channel: number, strongest: boolean}} `strongest`: of several that it reads
 */
function strongest_channel({ bundle: { network }, weights, activations }, state) {
  const row = network.layers[state.layer];
  const flat = row.output_shape.length !== 3;
  const channel = flat ? state.column : Math.min(state.channel, row.output_shape[2] - 1);
  const { strongest_channel: strongest, strongest_input } = kind_of(row);
  if (!activations || !strongest) return { input: 0, channel, strongest: false };
  const found = terms(network, weights, activations, state.layer, state.row, state.column, channel);
  const several = "channels" in found ? found.channels.length > 1 : "depthwise" in found && found.depthwise.length > 1;
  return { input: strongest_input?.(found) ?? 0, channel: strongest(found), strongest: several };
}
