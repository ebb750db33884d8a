// The window itself: the input, the kernel and the output side by side, the place that is looked at, and play.

import { tap_positions } from "#web/core/conv.js";
import { numeral } from "#web/core/numeral.js";
import { reach } from "#web/core/scale.js";
import { nearest, place_in, reads, terms_at } from "#web/core/sliding.js";
import { sum_in_words } from "#web/core/sum.js";
import { value_at } from "#web/core/taps.js";
import { fill, h } from "#web/view/dom.js";
import { grid } from "#web/view/grid.js";
import { legend } from "#web/view/map.js";
import { picker } from "#web/view/picker.js";
import { player } from "#web/view/player.js";
import { touch } from "#web/view/touch.js";

/** @typedef {import("#web/core/letter_state.js").LetterState} LetterState */
/** @typedef {import("#web/core/sliding.js").Slide} Slide */

/** Columns of kernel and output that stand side by side on a phone. */
const BESIDE = 11;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/letter_state.js").LetterStore} store
 * @param {Slide} first
 */
export function mount(element, store, first) {
  let made = first;
  const [input, kernel, output] = [grid("input", true), grid("kernel", false), grid("output", true)];
  const now = () => place_in(made, store.get());
  const size = () => /** @type {[number, number]} */ ([made.layer.output_shape[0], made.layer.output_shape[1]]);
  const play = player({ get: now, set: store.set }, size, () => output.reveal(Infinity));
  const channels = picker("channel", (channel) => store.set(made.kernel ? { channel } : { channel, filter: channel }));
  const filters = picker("filter", (filter) => store.set({ filter, channel: nearest_read(filter) }));
  const [times, equals] = [h("span", { class: "conv-sign", "aria-hidden": "true" }, "×"), h("span", { class: "conv-sign", "aria-hidden": "true" }, "=")];
  const sum = h("output", { class: "number-sum number", "aria-live": "polite" });
  const hint = h("p", { class: "small soft" }, "Touch a grid, or use the arrow keys, to move the window.", h("span", { class: "conv-small-note" }, " Cells too small for numbers show their shade; the sum has them."));
  const row = h("div", { class: "conv-grids" }, input.element, times, kernel.element, equals, output.element);
  const scale = h("div", { class: "layer-scale" });
  fill(element, h("h2", {}, "The window"), channels.element, filters.element,
    row, play.element, sum, hint, scale);
  const shared = { step, busy: () => play.playing() };
  touch(input.cells, { ...shared, size: input.size, point: (row, column) => go(nearest(made.layer, 0, row - made.padding[0][0]), nearest(made.layer, 1, column - made.padding[1][0])) });
  touch(output.cells, { ...shared, size: output.size, point: go });

  /** @param {number} row @param {number} column */
  function go(row, column) {
    if (!made.output) return;
    const [rows, columns] = size();
    play.stop();
    store.set({ row: Math.min(Math.max(row, 0), rows - 1), column: Math.min(Math.max(column, 0), columns - 1) });
  }
  /** @param {number} down @param {number} right */
  function step(down, right) {
    const { row, column } = now();
    go(row + down, column + right);
  }
  /** The channel that is shown, if the filter reads it, or its first. @param {number} filter */
  function nearest_read(filter) {
    const [low, high] = reads(made, filter);
    return Math.min(Math.max(now().channel, low), high);
  }

  /** Other letters, or another channel or filter: the grids anew. @param {LetterState} state */
  function draw(state) {
    const { channel, filter } = now();
    const numbers = state.numbers === "on";
    const most = { input: reach(made.input.data), kernel: reach(made.kernel?.data ?? []), output: reach(made.output?.data ?? []) };
    input.draw({ tensor: made.input, channel, most: most.input, padding: made.padding, numbers, zero: made.kernel ? "0" : null });
    const [low] = reads(made, filter);
    for (const part of [times, kernel.element]) part.hidden = !made.kernel;
    if (made.kernel) kernel.draw({ tensor: slice(made.kernel, filter), channel: Math.min(Math.max(channel - low, 0), made.kernel.shape[2] - 1), most: most.kernel, numbers });
    for (const part of [equals, output.element]) part.hidden = !made.output;
    play.element.hidden = !made.output;
    if (made.output) output.draw({ tensor: made.output, channel: filter, most: most.output, numbers });
    const columns = [kernel, output].reduce((sum, one) => sum + (one.element.hidden ? 0 : one.size()[1]), 0);
    row.style.setProperty("--all", String(columns + input.size()[1]));
    row.style.setProperty("--taps", String(made.kernel ? kernel.size()[1] : 0));
    row.style.setProperty("--behind", String(columns > BESIDE && made.output ? output.size()[1] : Math.max(columns, 1)));
    channels.draw(made.input, channel, made.output ? reads(made, filter) : null);
    filters.draw(made.kernel ? made.output : null, filter, null);
    const scale_of = (/** @type {"input"|"output"} */ name) => h("span", { class: "conv-scale" }, h("span", { class: "small soft" }, name), legend(most[name], numeral));
    fill(scale, scale_of("input"), made.output && scale_of("output"));
  }

  /** The place in the grids. */
  function mark() {
    const { row: r, column: c, filter, channel } = now();
    const [low, high] = reads(made, filter);
    const read = Boolean(made.output) && channel >= low && channel <= high;
    const [rows, columns] = made.output ? [tap_positions(made.layer, 0, r), tap_positions(made.layer, 1, c)] : [[0], [0]];
    const span = { r0: rows[0], r1: rows[rows.length - 1], c0: columns[0], c1: columns[columns.length - 1] };
    const gaps = Math.max(...made.layer.config.dilation_rate) > 1;
    input.mark(read ? span : null, read && gaps ? rows.flatMap((row) => columns.map((column) => ({ row, column }))) : []);
    output.mark(made.output ? { r0: r, r1: r, c0: c, c1: c } : null);
    output.reveal(play.until());
    sum.textContent = made.output ? sum_in_words(terms_at(made, r, c, filter)) : "";
    const which = (/** @type {string} */ noun, /** @type {number} */ index, /** @type {number} */ count) => (count > 1 ? `, ${noun} ${index}` : "");
    const [height, width, depth] = made.input.shape;
    input.title.textContent = `Input${which("channel", channel, depth)}${read || !made.output ? "" : ": this filter does not read it"}`;
    kernel.title.textContent = `Kernel${which("filter", filter, made.filters)}${which("channel", Math.min(Math.max(channel, low), high), high - low + 1)}`;
    output.title.textContent = `Output${which("filter", filter, made.filters)}`;
    input.cells.setAttribute("aria-label", `${input.title.textContent}: ${height} rows, ${width} columns. The window begins at row ${span.r0}, column ${span.c0}. Arrow keys move it.`);
    kernel.cells.setAttribute("aria-label", made.kernel ? `${kernel.title.textContent}: ${spoken(made.kernel, filter, channel - low)}` : "no kernel");
    if (made.output) output.cells.setAttribute("aria-label", `${output.title.textContent}: ${size()[0]} rows, ${size()[1]} columns. Row ${r}, column ${c} is ${numeral(value_at(made.output, r, c, filter))}. Arrow keys move the window.`);
    hint.hidden = !made.output;
  }

  return {
    /** @param {LetterState} state @param {LetterState} old @param {Slide} slide */
    update(state, old, slide) {
      const other = slide !== made || state === old;
      if (other) play.stop();
      made = slide;
      if (other || ["channel", "filter", "numbers"].some((name) => state[/** @type {keyof LetterState} */ (name)] !== old[/** @type {keyof LetterState} */ (name)])) draw(state);
      mark();
    },
  };
}

/** One filter. @param {import("#web/core/network.js").Tensor} kernel @param {number} filter */
function slice({ shape, data }, filter) {
  return { shape: shape.slice(0, 3), data: data.filter((_, i) => i % shape[3] === filter) };
}

/** A kernel's numbers in words, row by row. @param {import("#web/core/network.js").Tensor} kernel @param {number} filter @param {number} channel */
function spoken(kernel, filter, channel) {
  const one = slice(kernel, filter);
  const depth = Math.min(Math.max(channel, 0), one.shape[2] - 1);
  return Array.from({ length: one.shape[0] }, (_, r) => Array.from({ length: one.shape[1] }, (_, c) => numeral(value_at(one, r, c, depth))).join(", ")).join("; ");
}
