// The layers in a row, from the image to the prediction, each with its strongest feature maps.

import { count } from "#web/core/network.js";
import { trace } from "#web/core/receptive_field.js";
import { largest_magnitude } from "#web/core/scale.js";
import { shape_text } from "#web/core/layer_descriptions.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { channel_magnitudes, paint_map, place_frame } from "#web/view/feature_map.js";

/** @typedef {import("#web/core/state.js").State} State */

const MAPS = 4;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { network } = session.bundle;
  const picture = tile(1);
  const cells = network.layers.map((row, index) => {
    const maps = tile(row.output_shape.length === 3 ? Math.min(MAPS, row.output_shape[2]) : 1);
    const button = h("button", {
      class: "strip-cell", onclick: () => store.set({ layer: index, channel: 0, row: -1, column: -1 }),
    }, maps.element, h("span", { class: "strip-kind" }, `${index + 1} ${row.kind.replace(/(?<=[a-z])(?=[A-Z])/g, "\u200b")}`), h("span", { class: "small soft" }, shape_text(row.output_shape)));
    return { button, maps };
  });
  fill(element, h("ol", { class: "strip-row scroll" },
    h("li", {}, h("div", { class: "strip-cell" }, picture.element, h("span", { class: "strip-kind" }, "Image"), h("span", { class: "small soft" }, shape_text(network.input_shape).replace(/\d+ maps?$/, network.input_shape[2] === 1 ? "grayscale" : "RGB")))),
    cells.map(({ button }) => h("li", {}, button))));
  draw();
  mark(store.get());

  function draw() {
    paint_bytes(picture.canvases[0], network.input_shape, session.selected ?? new Uint8Array(count(network.input_shape)));
    cells.forEach(({ maps }, index) => {
      const output = session.activations?.layers[index].output;
      if (!output) return maps.canvases.forEach((canvas) => void (canvas.width = canvas.width));
      const strongest = [...channel_magnitudes(output).entries()].sort((a, b) => b[1] - a[1]);
      const most = largest_magnitude(output.data);
      maps.canvases.forEach((canvas, i) => paint_map(canvas, output, strongest[i][0], most));
    });
  }

  /** @param {State} state */
  function mark(state) {
    cells.forEach(({ button }, index) => button.setAttribute("aria-current", String(index === state.layer)));
    const shape = network.layers[state.layer].output_shape;
    const spans = state.row < 0 || shape.length !== 3 ? [] : trace(network, state.layer, Math.min(state.row, shape[0] - 1), Math.min(state.column, shape[1] - 1));
    [picture, ...cells.map(({ maps }) => maps)].forEach(({ frames }, index) => {
      const at = index ? network.layers[index - 1].output_shape : network.input_shape;
      const span = index <= state.layer + 1 && at.length === 3 ? spans[index] : null;
      frames.forEach((frame) => place_frame(frame, span, at));
    });
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture !== old.picture || state.off !== old.off) draw();
      if (state.layer !== old.layer || state.row !== old.row || state.column !== old.column) mark(state);
    },
    destroy() {},
  };
}

/** Some maps in a square, each under a frame. @param {number} maps */
function tile(maps) {
  const canvases = Array.from({ length: maps }, () => h("canvas", { "aria-hidden": "true" }));
  const frames = canvases.map(() => h("span", { class: "frame", hidden: true }));
  const inner = canvases.map((canvas, i) => h("span", { class: "framed" }, canvas, frames[i]));
  return { canvases, frames, element: h("span", { class: `strip-maps strip-maps-${maps > 1 ? 2 : 1}` }, inner) };
}
