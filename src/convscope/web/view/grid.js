// One grid of a sliding window: a painted map with its numbers, the padding around it, and the window on it.

import { paint_map, place_frame } from "#web/view/feature_map.js";
import { font_height, lines, minus_signs, numbers, outline } from "#web/view/grid_cells.js";
import { fill, h, s } from "#web/view/dom.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {import("#web/core/conv_arithmetic.js").Span} Span */
/** @typedef {import("#web/view/grid_cells.js").Cell} Cell */

/**
 * @typedef {object} Drawing
 * @property {Tensor} tensor (h, w, c)
 * @property {number} channel
 * @property {number} most the magnitude of the color scale's ends
 * @property {[number, number][]} [padding] zeros before and after, of the rows and of the columns
 * @property {boolean} numbers whether the cells hold their numbers, where they are large enough
 * @property {string|null} [zero] what the padding holds; null for nothing
 */

const READABLE = 7.5; // pixels of a font
const MOST_NUMBERS = 4096;

/**
 * @param {string} name of a class
 * @param {boolean} interactive whether it takes pointer and keyboard input
 */
export function grid(name, interactive) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const paths = Object.fromEntries(["zeros", "lines", "taps-under", "taps"].map((part) => [part, s("path", { class: `conv-${part}` })]));
  const minus = [s("path", { class: "conv-minus-under" }), s("path", { class: "conv-minus" })];
  const texts = s("g", { class: "conv-numbers number" });
  const over = s("svg", { "aria-hidden": "true", preserveAspectRatio: "none" }, paths.zeros, paths.lines, minus, texts, paths["taps-under"], paths.taps);
  const frame = h("span", { class: "frame", hidden: true });
  const cells = h("div", { class: "conv-cells", ...(interactive ? { role: "application", tabindex: 0, "aria-roledescription": "grid of values" } : { role: "img" }) }, canvas, over, frame);
  const title = h("figcaption", { class: "small soft" });
  const element = h("figure", { class: `conv-grid conv-${name}` }, title, cells);
  /** @type {Drawing|null} */
  let drawn = null;
  /** @type {Cell[]} */
  let all = [];
  let seen = Infinity;
  new ResizeObserver(() => write()).observe(cells);

  /** Rows and columns with the padding. @returns {[number, number]} */
  function size() {
    if (!drawn) return [1, 1];
    const { tensor, padding = [[0, 0], [0, 0]] } = drawn;
    return /** @type {[number, number]} */ ([0, 1].map((axis) => padding[axis][0] + tensor.shape[axis] + padding[axis][1]));
  }

  /** @param {Drawing} drawing */
  function draw(drawing) {
    drawn = drawing;
    const { tensor, padding = [[0, 0], [0, 0]] } = drawing;
    const [[top], [left]] = padding;
    const [height, width] = size();
    const [rows, columns] = tensor.shape;
    element.style.setProperty("--columns", String(width));
    cells.style.aspectRatio = `${width} / ${height}`;
    over.setAttribute("viewBox", `0 0 ${width} ${height}`);
    all = list_cells(drawing, height, width);
    place_frame(canvas, { r0: top, r1: top + rows - 1, c0: left, c1: left + columns - 1 }, [height, width]);
    paths.zeros.setAttribute("d", outline(all.filter(({ value }) => value === null), 0.04));
    paths.lines.setAttribute("d", lines(top, left, rows, columns));
    write();
    reveal(seen);
  }

  /** The numbers, if a person could read them at this size. */
  function write() {
    if (!drawn) return;
    const pixels = cells.clientWidth / size()[1];
    const legible = drawn.numbers && all.length <= MOST_NUMBERS && pixels * font_height(all) >= READABLE;
    element.classList.toggle("conv-small", drawn.numbers && !legible && cells.clientWidth > 0);
    fill(texts, legible ? numbers(all, drawn.most, drawn.zero ?? null) : []);
    for (const path of minus) path.setAttribute("d", legible ? "" : minus_signs(all));
    reveal(seen);
  }

  /** Show only so many numbers, row by row; the rest stays empty. @param {number} until */
  function reveal(until) {
    seen = until;
    if (!drawn) return;
    paint_map(canvas, drawn.tensor, drawn.channel, drawn.most, until);
    [...texts.children].forEach((text, index) => text.toggleAttribute("hidden", index >= until));
  }

  return {
    element, cells, title, size, draw, reveal,
    /**
     * The window, in rows and columns of the picture.
     * @param {Span|null} span null for none
     * @param {{row: number, column: number}[]} [taps] outlined one by one
     */
    mark(span, taps = []) {
      const [[top], [left]] = drawn?.padding ?? [[0], [0]];
      place_frame(frame, span && { r0: span.r0 + top, r1: span.r1 + top, c0: span.c0 + left, c1: span.c1 + left }, size());
      const edges = outline(taps.map(({ row, column }) => ({ row: row + top, column: column + left })), 0.06);
      for (const path of [paths["taps-under"], paths.taps]) path.setAttribute("d", edges);
    },
  };
}

/** @param {Drawing} drawing @param {number} height @param {number} width @returns {Cell[]} row by row */
function list_cells({ tensor, channel, padding = [[0, 0], [0, 0]] }, height, width) {
  const [rows, columns, channels] = tensor.shape;
  return Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    const [r, c] = [row - padding[0][0], column - padding[1][0]];
    const inside = r >= 0 && r < rows && c >= 0 && c < columns;
    return { row, column, value: inside ? tensor.data[(r * columns + c) * channels + channel] : null };
  });
}
