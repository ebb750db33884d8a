// One layer: what it does, all its maps, and the chosen map large enough to touch its numbers.

import { count, percent, reach } from "#web/core/scale.js";
import { sentence, shape_text } from "#web/core/sentences.js";
import { parse_off, toggle_off } from "#web/core/state.js";
import { fill, h } from "#web/view/dom.js";
import { channel_reach, legend, paint_map, place_frame } from "#web/view/map.js";
import { player } from "#web/view/player.js";
import { source } from "#web/view/source.js";
import { touch } from "#web/view/touch.js";

/** @typedef {import("#web/core/state.js").State} State */

const MAPS = 256;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/lens.js").Lens} lens
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, lens, store) {
  const { network, class_names } = lens.bundle;
  const about = h("div", {});
  const maps = h("div", { class: "layer-maps", role: "group" });
  const large = h("canvas", { class: "layer-large", tabindex: 0, role: "application", "aria-roledescription": "map of numbers" });
  const frame = h("span", { class: "frame cursor", hidden: true });
  const caption = h("span", {});
  const off = h("button", { onclick: () => switch_off() });
  const play = player(store, () => size(), () => draw_large());
  const scale = h("div", { class: "layer-scale" });
  const reads = source(lens);
  const writes = h("figure", { class: "layer-source" }, h("span", { class: "framed" }, large, frame), h("figcaption", { class: "small soft" }, caption));
  fill(element, about, h("div", { class: "layer-touch" }, reads.element, writes), h("div", { class: "layer-side" }, scale, play.element, off), maps);
  /** @type {HTMLButtonElement[]} */
  let buttons = [];
  whole();

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
  function switch_off() {
    const state = store.get();
    store.set({ off: toggle_off(state.off, layer().name, channel()) });
  }
  function channel() {
    const shape = layer().output_shape;
    return shape.length === 3 ? Math.min(store.get().channel, shape[2] - 1) : Math.max(0, store.get().column);
  }

  /** The layer has changed: everything anew. */
  function whole() {
    const row = layer();
    const share = network.multiply_adds ? row.multiply_adds / network.multiply_adds : 0;
    fill(about,
      h("h2", {}, `Layer ${store.get().layer + 1}: ${row.kind}`),
      h("p", {}, sentence(row)),
      h("p", { class: "small soft number" }, `${shape_text(row.input_shape)} → ${shape_text(row.output_shape)} · ${count(row.parameters)} parameters · ${percent(share)} of the work`));
    const channels = row.output_shape.length === 3 ? Math.min(row.output_shape[2], MAPS) : 0;
    maps.setAttribute("aria-label", `The ${channels} maps of ${row.name}`);
    buttons = Array.from({ length: channels > 1 ? channels : 0 }, (_, index) =>
      h("button", { class: "layer-map", "aria-label": `Map ${index}`, onclick: () => store.set({ channel: index }) }, h("canvas", { "aria-hidden": "true" })));
    fill(maps, buttons);
    draw();
    mark();
  }

  function draw() {
    const output = lens.activations?.layers[store.get().layer].output;
    const most = output ? reach(output.data) : 1;
    const silent = output ? channel_reach(output) : [];
    buttons.forEach((button, index) => {
      const canvas = /** @type {HTMLCanvasElement} */ (button.firstElementChild);
      if (output) paint_map(canvas, output, index, most);
      button.setAttribute("aria-label", `Map ${index}${silent[index] ? "" : ", all zero"}`);
    });
    fill(scale, legend(most));
    draw_large();
  }

  function draw_large() {
    const output = lens.activations?.layers[store.get().layer].output;
    large.hidden = !output;
    const [height, width] = size();
    large.style.aspectRatio = `${width} / ${Math.max(height, width / 14)}`;
    if (output) paint_map(large, output, channel(), reach(output.data), play.until());
  }

  function mark() {
    const state = store.get();
    const flat = layer().output_shape.length !== 3;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === state.channel)));
    const [height, width] = size();
    const inside = state.row >= 0 && state.row < height && state.column < width;
    place_frame(frame, inside ? { r0: state.row, r1: state.row, c0: state.column, c1: state.column } : null, [height, width]);
    const named = flat && width === class_names.length ? ` (${class_names[Math.max(0, state.column)]})` : "";
    caption.textContent = (flat ? `It writes ${width} numbers in a row${named}.` : `It writes map ${channel()} of ${layer().output_shape[2]}.`) + " Tap a pixel, or use the arrow keys, to see where its number comes from.";
    const is_off = parse_off(state.off)[layer().name]?.includes(channel());
    off.textContent = is_off ? "Switch it on again" : `Switch ${flat ? "unit" : "map"} ${channel()} off`;
    off.setAttribute("aria-pressed", String(Boolean(is_off)));
    off.hidden = !lens.activations;
    reads.show(state);
    large.setAttribute("aria-label", `${layer().name}, map ${channel()}, ${height} rows, ${width} columns`);
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.layer !== old.layer) {
        play.stop();
        whole();
      } else if (state.picture !== old.picture || state.off !== old.off) draw();
      else if (state.channel !== old.channel || (state.column !== old.column && play.playing())) draw_large();
      mark();
    },
    destroy: play.stop,
  };
}
