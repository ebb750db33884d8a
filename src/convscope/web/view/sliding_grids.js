// Input, kernel and output side by side, the window on them, and play.

import { tap_positions } from "#web/core/conv_arithmetic.js";
import { format_number } from "#web/core/number_format.js";
import { largest_magnitude } from "#web/core/scale.js";
import { channels_read, nearest, place_in, terms_at } from "#web/core/sliding_window.js";
import { equation_text } from "#web/core/equation.js";
import { value_at } from "#web/core/network.js";
import { fill, h } from "#web/view/dom.js";
import { grid } from "#web/view/grid.js";
import { legend } from "#web/view/feature_map.js";
import { picker } from "#web/view/picker.js";
import { player } from "#web/view/player.js";
import { touch } from "#web/view/touch.js";

/** @typedef {import("#web/core/hyperparameter_state.js").HyperparameterState} HyperparameterState */
/** @typedef {import("#web/core/sliding_window.js").SlidingWindow} SlidingWindow */

/** Columns of kernel and output that fit side by side on a phone. */
const BESIDE = 11;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/hyperparameter_state.js").HyperparameterStore} store
 * @param {SlidingWindow} first
 */
export function mount(element, store, first) {
  let computed = first;
  const [input, kernel, output] = [grid("input", true), grid("kernel", false), grid("output", true)];
  const now = () => place_in(computed, store.get());
  const size = () => /** @type {[number, number]} */ ([computed.layer.output_shape[0], computed.layer.output_shape[1]]);
  const play = player({ get: now, set: store.set }, size, () => output.reveal(Infinity));
  const channels = picker("channel", (channel) => store.set(computed.kernel ? { channel } : { channel, filter: channel }));
  const filters = picker("filter", (filter) => store.set({ filter, channel: nearest_read(filter) }));
  const [times, equals] = [h("span", { class: "conv-sign", "aria-hidden": "true" }, "×"), h("span", { class: "conv-sign", "aria-hidden": "true" }, "=")];
  const equation = h("output", { class: "equation number", "aria-live": "polite" });
  const hint = h("p", { class: "small soft" }, "Click or touch a grid, or use the arrow keys, to move the window.", h("span", { class: "conv-small-note" }, " Cells too small for numbers show colors only; the equation below has the values."));
  const row = h("div", { class: "conv-grids" }, input.element, times, kernel.element, equals, output.element);
  const scale = h("div", { class: "layer-scale" });
  fill(element, h("h2", {}, "The window"), channels.element, filters.element,
    row, play.element, equation, hint, scale);
  const shared = { step, busy: () => play.playing() };
  touch(input.cells, { ...shared, size: input.size, point: (row, column) => go(nearest(computed.layer, 0, row - computed.padding[0][0]), nearest(computed.layer, 1, column - computed.padding[1][0])) });
  touch(output.cells, { ...shared, size: output.size, point: go });

  /** @param {number} row @param {number} column */
  function go(row, column) {
    if (!computed.output) return;
    const [rows, columns] = size();
    play.stop();
    store.set({ row: Math.min(Math.max(row, 0), rows - 1), column: Math.min(Math.max(column, 0), columns - 1) });
  }
  /** @param {number} down @param {number} right */
  function step(down, right) {
    const { row, column } = now();
    go(row + down, column + right);
  }
  /** The selected channel if the filter reads it, or the nearest that it reads. @param {number} filter */
  function nearest_read(filter) {
    const [low, high] = channels_read(computed, filter);
    return Math.min(Math.max(now().channel, low), high);
  }

  /** Redraw the grids: other hyperparameters, channel or filter. @param {HyperparameterState} state */
  function draw(state) {
    const { channel, filter } = now();
    const numbers = state.numbers === "on";
    const most = { input: largest_magnitude(computed.input.data), kernel: largest_magnitude(computed.kernel?.data ?? []), output: largest_magnitude(computed.output?.data ?? []) };
    input.draw({ tensor: computed.input, channel, most: most.input, padding: computed.padding, numbers, zero: computed.kernel ? "0" : null });
    const [low] = channels_read(computed, filter);
    for (const part of [times, kernel.element]) part.hidden = !computed.kernel;
    if (computed.kernel) kernel.draw({ tensor: slice(computed.kernel, filter), channel: Math.min(Math.max(channel - low, 0), computed.kernel.shape[2] - 1), most: most.kernel, numbers });
    for (const part of [equals, output.element]) part.hidden = !computed.output;
    play.element.hidden = !computed.output;
    if (computed.output) output.draw({ tensor: computed.output, channel: filter, most: most.output, numbers });
    const columns = [kernel, output].reduce((sum, one) => sum + (one.element.hidden ? 0 : one.size()[1]), 0);
    row.style.setProperty("--all", String(columns + input.size()[1]));
    row.style.setProperty("--taps", String(computed.kernel ? kernel.size()[1] : 0));
    row.style.setProperty("--behind", String(columns > BESIDE && computed.output ? output.size()[1] : Math.max(columns, 1)));
    channels.draw(computed.input, channel, computed.output ? channels_read(computed, filter) : null);
    filters.draw(computed.kernel ? computed.output : null, filter, null);
    const scale_of = (/** @type {"input"|"output"} */ name) => h("span", { class: "conv-scale" }, h("span", { class: "small soft" }, name), legend(most[name], format_number));
    fill(scale, scale_of("input"), computed.output && scale_of("output"));
  }

  /** Mark the selection in the grids. */
  function mark() {
    const { row: r, column: c, filter, channel } = now();
    const [low, high] = channels_read(computed, filter);
    const read = Boolean(computed.output) && channel >= low && channel <= high;
    const [rows, columns] = computed.output ? [tap_positions(computed.layer, 0, r), tap_positions(computed.layer, 1, c)] : [[0], [0]];
    const span = { r0: rows[0], r1: rows[rows.length - 1], c0: columns[0], c1: columns[columns.length - 1] };
    const gaps = Math.max(...computed.layer.config.dilation_rate) > 1;
    input.mark(read ? span : null, read && gaps ? rows.flatMap((row) => columns.map((column) => ({ row, column }))) : []);
    output.mark(computed.output ? { r0: r, r1: r, c0: c, c1: c } : null);
    output.reveal(play.until());
    equation.textContent = computed.output ? equation_text(terms_at(computed, r, c, filter)) : "";
    const which = (/** @type {string} */ noun, /** @type {number} */ index, /** @type {number} */ count) => (count > 1 ? `, ${noun} ${index}` : "");
    const [height, width, depth] = computed.input.shape;
    input.title.textContent = `Input${which("channel", channel, depth)}${read || !computed.output ? "" : ": not read by this filter"}`;
    kernel.title.textContent = `Kernel${which("filter", filter, computed.filters)}${which("channel", Math.min(Math.max(channel, low), high), high - low + 1)}`;
    output.title.textContent = `Output${which("filter", filter, computed.filters)}`;
    input.cells.setAttribute("aria-label", `${input.title.textContent}: ${height} rows, ${width} columns. The window starts at row ${span.r0}, column ${span.c0}. Arrow keys move it.`);
    kernel.cells.setAttribute("aria-label", computed.kernel ? `${kernel.title.textContent}: ${kernel_text(computed.kernel, filter, channel - low)}` : "no kernel");
    if (computed.output) output.cells.setAttribute("aria-label", `${output.title.textContent}: ${size()[0]} rows, ${size()[1]} columns. Row ${r}, column ${c} is ${format_number(value_at(computed.output, r, c, filter))}. Arrow keys move the window.`);
    hint.hidden = !computed.output;
  }

  return {
    /** @param {HyperparameterState} state @param {HyperparameterState} old @param {SlidingWindow} next */
    update(state, old, next) {
      const other = next !== computed || state === old;
      if (other) play.stop();
      computed = next;
      if (other || ["channel", "filter", "numbers"].some((name) => state[/** @type {keyof HyperparameterState} */ (name)] !== old[/** @type {keyof HyperparameterState} */ (name)])) draw(state);
      mark();
    },
  };
}

/** One filter. @param {import("#web/core/network.js").Tensor} kernel @param {number} filter */
function slice({ shape, data }, filter) {
  return { shape: shape.slice(0, 3), data: data.filter((_, i) => i % shape[3] === filter) };
}

/** A kernel's values for a screen reader, row by row. @param {import("#web/core/network.js").Tensor} kernel @param {number} filter @param {number} channel */
function kernel_text(kernel, filter, channel) {
  const one = slice(kernel, filter);
  const depth = Math.min(Math.max(channel, 0), one.shape[2] - 1);
  return Array.from({ length: one.shape[0] }, (_, r) => Array.from({ length: one.shape[1] }, (_, c) => format_number(value_at(one, r, c, depth))).join(", ")).join("; ");
}
