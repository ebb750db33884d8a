// The overlay of a grid: its lines, the values in its cells, the cells that a window reads.

import { format_number } from "#web/core/number_format.js";
import { diverging, text_color_on } from "#web/core/scale.js";
import { s } from "#web/view/dom.js";
import { is_dark } from "#web/view/theme.js";

/**
 * @typedef {object} Cell
 * @property {number} row of the grid with its padding, from 0
 * @property {number} column
 * @property {number|null} value null in the padding
 */

const LARGEST = 0.5; // of a cell
const DIGIT = 0.62; // the width of a digit, in heights of its font

/**
 * The edges of some cells as the path of an SVG whose unit is a cell.
 * @param {Pick<Cell, "row"|"column">[]} cells
 * @param {number} [inset] how far inside of the cell
 * @returns {string}
 */
export function outline(cells, inset = 0) {
  const side = 1 - 2 * inset;
  return cells.map(({ row, column }) => `M${column + inset} ${row + inset}h${side}v${side}h${-side}z`).join("");
}

/**
 * The lines between the cells of a picture, and around it.
 * @param {number} top where it begins, in cells
 * @param {number} left
 * @param {number} rows
 * @param {number} columns
 * @returns {string}
 */
export function lines(top, left, rows, columns) {
  const across = Array.from({ length: rows + 1 }, (_, i) => `M${left} ${top + i}h${columns}`);
  const down = Array.from({ length: columns + 1 }, (_, i) => `M${left + i} ${top}v${rows}`);
  return [...across, ...down].join("");
}

/**
 * A short bar in each cell with a negative number: grids without numbers are read without color, too.
 * @param {Cell[]} cells
 * @returns {string}
 */
export function minus_signs(cells) {
  return cells.filter(({ value }) => value !== null && value < 0).map(({ row, column }) => `M${column + 0.32} ${row + 0.5}h.36`).join("");
}

/**
 * The height of the font in which the longest number fits its cell.
 * @param {Cell[]} cells
 * @returns {number} in cells
 */
export function font_height(cells) {
  const longest = cells.reduce((most, { value }) => Math.max(most, value === null ? 1 : format_number(value).length), 1);
  return Math.min(LARGEST, 0.82 / (DIGIT * longest));
}

/**
 * The numbers of a grid, one text a cell, in an ink that can be read on its color.
 * @param {Cell[]} cells
 * @param {number} most the magnitude of the scale's ends
 * @param {string|null} zero what stands in the padding; null for nothing
 * @returns {SVGTextElement[]}
 */
export function numbers(cells, most, zero) {
  const size = font_height(cells);
  return cells.filter(({ value }) => value !== null || zero !== null).map(({ row, column, value }) =>
    s("text", { x: column + 0.5, y: row + 0.5 + size * 0.36, "font-size": size, ...(value === null ? { class: "conv-zero" } : { fill: text_color_on(diverging(value, most, is_dark())) }) },
      value === null ? zero : format_number(value)));
}
