/**
 * Where the columns of a network and their maps are drawn, in CSS pixels. Every map is shown; what does not fit makes the
 * picture wider than its box, which then scrolls. Only long vectors are pooled: several values share a cell.
 *
 * @typedef {import("#web/core/columns.js").Column} Column
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 *
 * @typedef {object} Place
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {number} across cells in a row
 * @property {number} cells how many there are
 * @property {number} values maps or units in a cell: 1, but for long vectors
 * @property {number} cell_width with the gap to the next one
 * @property {number} cell_height
 * @property {number} gap between cells
 *
 * @typedef {{places: Place[], width: number, height: number, head: number, vertical: boolean}} Layout `head`: pixels above a
 * column or row for its name. `vertical`: layers are rows, from
 * top to bottom. `width` and `height` are at least those of the box in columns, and the needed height in rows.
 *
 * @typedef {object} Options
 * @property {boolean} [vertical] layers as rows
 * @property {boolean} [classes_outside] the last column is drawn elsewhere, and gets a place without width at the right edge
 * @property {number} [scale] how much larger than usual the text is
 * @property {number} [class_width] pixels that the longest class name needs
 */

import { in_columns } from "#web/core/network_columns.js";
import { in_rows } from "#web/core/network_rows.js";

/**
 * @param {Column[]} columns
 * @param {{width: number, height: number}} box
 * @param {Options} [options]
 * @returns {Layout}
 */
export function layout(columns, box, { vertical = false, classes_outside = false, scale = 1, class_width = 34 } = {}) {
  const options = { vertical, classes_outside, scale, class_width };
  return vertical ? in_rows(columns, box.width, options) : in_columns(columns, box, options);
}

/**
 * The box of a map or unit; units that share a cell share its box.
 *
 * @param {Place} place
 * @param {number} map
 * @returns {Box}
 */
export function box_of(place, map) {
  const cell = Math.floor(map / place.values);
  const [row, column] = [Math.floor(cell / place.across), cell % place.across];
  return {
    x: place.x + column * place.cell_width, y: place.y + row * place.cell_height,
    width: Math.max(place.cell_width - place.gap, Math.min(1, place.cell_width)), height: Math.max(place.cell_height - place.gap, 1),
  };
}

/**
 * The map or unit at a point, or the nearest one within some distance.
 *
 * @param {Layout} layout
 * @param {Column[]} columns
 * @param {number} x
 * @param {number} y
 * @param {number} [reach] pixels
 * @returns {{column: number, map: number} | null}
 */
export function map_at({ places }, columns, x, y, reach = 6) {
  const column = places.findIndex((place) => x >= place.x - reach && x < place.x + place.width + reach && y >= place.y - reach && y < place.y + place.height + reach);
  if (column < 0 || places[column].width === 0) return null;
  const place = places[column];
  const across = Math.min(Math.max(Math.floor((x - place.x) / place.cell_width), 0), place.across - 1);
  const row = Math.min(Math.max(Math.floor((y - place.y) / place.cell_height), 0), Math.ceil(place.cells / place.across) - 1);
  const cell = Math.min(row * place.across + across, place.cells - 1);
  return { column, map: Math.min(cell * place.values, columns[column].maps - 1) };
}
