// What the chosen layer reads, beside what it writes: one map of its input, and the window on it.

import { input_span } from "#web/core/conv.js";
import { place_of } from "#web/core/network.js";
import { reach } from "#web/core/scale.js";
import { terms } from "#web/core/terms.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { paint_map, place_frame } from "#web/view/map.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/lens.js").Lens} Lens */

/**
 * @param {Lens} lens
 */
export function source(lens) {
  const { network } = lens.bundle;
  const canvas = h("canvas", { class: "layer-reads", "aria-hidden": "true" });
  const frame = h("span", { class: "frame", hidden: true });
  const caption = h("figcaption", { class: "small soft" });
  const element = h("figure", { class: "layer-source" }, h("span", { class: "framed" }, canvas, frame), caption);

  /** @param {State} state */
  function show(state) {
    const row = network.layers[state.layer];
    const input = state.layer > 0 ? lens.activations?.layers[state.layer - 1].output : lens.activations?.image;
    element.hidden = !input || input.shape.length !== 3;
    if (!input || !lens.seen || element.hidden) return;
    const touched = state.row >= 0;
    const channel = touched ? read_channel(lens, state) : Math.min(state.channel, input.shape[2] - 1);
    if (state.layer === 0) paint_bytes(canvas, network.input_shape, lens.seen);
    else paint_map(canvas, input, channel, reach(input.data));
    place_frame(frame, touched ? span(row, state) : null, input.shape);
    const name = state.layer > 0 ? `map ${channel} of ${network.layers[state.layer - 1].name}` : "the picture";
    const most = touched && input.shape[2] > 1 && row.kind.endsWith("Conv2D") && row.kind !== "DepthwiseConv2D" ? ", which counts most here" : "";
    fill(caption, `It reads ${name}${state.layer > 0 ? most : ""}`);
  }
  return { element, show };
}

/** @param {import("#web/bundle.d.ts").LayerJson} row @param {State} state */
function span(row, state) {
  if (row.kind === "Flatten") {
    const { row: r, column: c } = place_of(state.column, row.input_shape);
    return { r0: r, r1: r, c0: c, c1: c };
  }
  return input_span(row, state.row, state.row, state.column, state.column);
}

/** The input map that the touched number depends on most. @param {Lens} lens @param {State} state @returns {number} */
function read_channel({ bundle, weights, activations }, state) {
  const row = bundle.network.layers[state.layer];
  const flat = row.output_shape.length !== 3;
  const channel = flat ? state.column : Math.min(state.channel, row.output_shape[2] - 1);
  if (!activations || row.kind === "GlobalAveragePooling2D") return channel;
  const found = terms(bundle.network, weights, activations, state.layer, state.row, state.column, channel);
  if (found.kind === "flatten") return found.channel;
  const channels = found.kind === "convolution" ? found.channels : found.kind === "separable" ? found.depthwise : [];
  return channels.reduce((most, one) => (Math.abs(one.sum) > Math.abs(most.sum) ? one : most), channels[0] ?? { channel, sum: 0 }).channel;
}
