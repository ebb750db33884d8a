// One layer: what it does, its feature maps, and the selected map large enough to choose a value.

import { count, percent, largest_magnitude } from "#web/core/scale.js";
import { describe_layer, shape_text } from "#web/core/layer_descriptions.js";
import { parse_off, toggle_off } from "#web/core/state.js";
import { fill, h } from "#web/view/dom.js";
import { channel_magnitudes, legend, paint_map, place_frame } from "#web/view/feature_map.js";
import { player } from "#web/view/player.js";
import { layer_input } from "#web/view/layer_input.js";
import { touch } from "#web/view/touch.js";

/** @typedef {import("#web/core/state.js").State} State */

const MAPS = 256;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { network, class_names } = session.bundle;
  const about = h("div", {});
  const maps = h("div", { class: "layer-maps", role: "group" });
  const large = h("canvas", { class: "layer-large", tabindex: 0, role: "application", "aria-roledescription": "feature map" });
  const frame = h("span", { class: "frame cursor", hidden: true });
  const caption = h("span", {});
  const off = h("button", { onclick: () => toggle() });
  const play = player(store, () => size(), () => draw_large());
  const scale = h("div", { class: "layer-scale" });
  const input = layer_input(session);
  const writes = h("figure", { class: "layer-source" }, h("span", { class: "framed" }, large, frame), h("figcaption", { class: "small soft" }, caption));
  fill(element, about, h("div", { class: "layer-touch" }, input.element, writes), h("div", { class: "layer-side" }, scale, play.element, off), maps);
  /** @type {HTMLButtonElement[]} */
  let buttons = [];
  redraw();

  touch(large, {
    size,
    point: touch_at,
    step(down, right) {
      const { row, column } = store.get();
      touch_at(Math.max(row, 0) + (row < 0 ? 0 : down), Math.max(column, 0) + (column < 0 ? 0 : right));
    },
    busy: () => play.playing(),
  });

  function layer() {
    return network.layers[store.get().layer];
  }
  /** Rows and columns; units are one row. @returns {[number, number]} */
  function size() {
    const shape = layer().output_shape;
    return shape.length === 3 ? [shape[0], shape[1]] : [1, shape[0]];
  }
  /** @param {number} row @param {number} column */
  function touch_at(row, column) {
    const [height, width] = size();
    play.stop();
    store.set({ row: Math.min(Math.max(row, 0), height - 1), column: Math.min(Math.max(column, 0), width - 1) });
  }
  function toggle() {
    const state = store.get();
    store.set({ off: toggle_off(state.off, layer().name, channel()) });
  }
  function channel() {
    const shape = layer().output_shape;
    return shape.length === 3 ? Math.min(store.get().channel, shape[2] - 1) : Math.max(0, store.get().column);
  }

  /** Another layer: redraw everything. */
  function redraw() {
    const row = layer();
    const fraction = network.multiply_adds ? row.multiply_adds / network.multiply_adds : 0;
    fill(about,
      h("h2", {}, `Layer ${store.get().layer + 1}: ${row.kind}`),
      h("p", {}, describe_layer(row)),
      h("p", { class: "small soft number" }, `${shape_text(row.input_shape)} → ${shape_text(row.output_shape)} · ${count(row.parameters)} parameters · ${percent(fraction)} of the multiply-adds`));
    const channels = row.output_shape.length === 3 ? Math.min(row.output_shape[2], MAPS) : 0;
    maps.setAttribute("aria-label", `The ${channels} feature maps of ${row.name}`);
    buttons = Array.from({ length: channels > 1 ? channels : 0 }, (_, index) =>
      h("button", { class: "layer-map", "aria-label": `Map ${index}`, onclick: () => store.set({ channel: index }) }, h("canvas", { "aria-hidden": "true" })));
    fill(maps, buttons);
    draw();
    mark();
  }

  function draw() {
    const output = session.activations?.layers[store.get().layer].output;
    const most = output ? largest_magnitude(output.data) : 1;
    const largest = output ? channel_magnitudes(output) : [];
    buttons.forEach((button, index) => {
      const canvas = /** @type {HTMLCanvasElement} */ (button.firstElementChild);
      if (output) paint_map(canvas, output, index, most);
      button.setAttribute("aria-label", `Map ${index}${largest[index] ? "" : ", all zero"}`);
    });
    fill(scale, legend(most));
    draw_large();
  }

  function draw_large() {
    const output = session.activations?.layers[store.get().layer].output;
    large.hidden = !output;
    const [height, width] = size();
    large.style.aspectRatio = `${width} / ${Math.max(height, width / 14)}`;
    if (output) paint_map(large, output, channel(), largest_magnitude(output.data), play.until());
  }

  function mark() {
    const state = store.get();
    const flat = layer().output_shape.length !== 3;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === state.channel)));
    const [height, width] = size();
    const inside = state.row >= 0 && state.row < height && state.column < width;
    place_frame(frame, inside ? { r0: state.row, r1: state.row, c0: state.column, c1: state.column } : null, [height, width]);
    const named = flat && width === class_names.length ? ` (${class_names[Math.max(0, state.column)]})` : "";
    caption.textContent = (flat ? `Output: ${width} values${named}.` : `Output: map ${channel()} of ${layer().output_shape[2]}.`) + " Select a pixel by click, touch or arrow keys to see how its value is computed.";
    const disabled = parse_off(state.off)[layer().name]?.includes(channel());
    off.textContent = `${disabled ? "Enable" : "Disable"} ${flat ? "unit" : "map"} ${channel()}`;
    off.setAttribute("aria-pressed", String(Boolean(disabled)));
    off.hidden = !session.activations;
    input.show(state);
    large.setAttribute("aria-label", `${layer().name}, map ${channel()}, ${height} rows, ${width} columns`);
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.layer !== old.layer) {
        play.stop();
        redraw();
      } else if (state.picture !== old.picture || state.off !== old.off) draw();
      else if (state.channel !== old.channel || (state.column !== old.column && play.playing())) draw_large();
      mark();
    },
    destroy: play.stop,
  };
}
