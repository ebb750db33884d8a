// Layers as columns, from left to right.

import { grid, image_size, UNIT, UNITS_ACROSS } from "#web/core/cell_grid.js";

/** @typedef {import("#web/core/network_layout.js").Column} Column */
/** @typedef {import("#web/core/network_layout.js").Layout} Layout */
/** @typedef {import("#web/core/network_layout.js").Options} Options */
/** @typedef {import("#web/core/network_layout.js").Place} Place */

const HEAD = 58; // pixels above a column for its name
const BORDER = 2; // pixels below a column: its outline
const CELL = { largest: 64, smallest: 15, scrolled: 28 };
const STRETCHES = [1.5, 1.4, 1.3, 1.2, 1.1];
const GAP = 34; // pixels between columns, where the edges run
const SLOTS = [84, 71]; // pixels that a column's name needs, at best and at least

/** @type {(columns: Column[], box: {width: number, height: number}, options: Required<Options>) => Layout} */
export function in_columns(columns, { width, height }, { classes_outside, scale, class_width }) {
  const head = HEAD * scale;
  const room = Math.max(height - head - BORDER, 120);
  const sizes = (/** @type {number} */ cell, stretch = 1) =>
    columns.map((column, index) => size_of(column, index, columns.length, { cell, stretch, room, width, classes_outside, class_width }));
  const fits = SLOTS.map((slot) => slot * scale).flatMap((slot) => {
    let cell = CELL.largest;
    while (cell >= CELL.smallest && needed(sizes(cell), slot) > width) cell -= 1;
    return cell < CELL.smallest ? [] : [{ cell, slot }];
  });
  const { cell, slot: least } = fits[0] ?? { cell: CELL.scrolled, slot: SLOTS[0] };
  // columns with fewer maps fill the height too, as far as there is room beside them
  const stretch = STRETCHES.find((factor) => needed(sizes(cell, factor), least) <= width) ?? 1;
  const chosen = sizes(cell, stretch);
  const spare = Math.max(0, width - needed(chosen, least)) / Math.max(1, columns.length - 1);
  let x = 0;
  const places = chosen.map((size, index) => {
    const slot = slot_of(size, index, chosen.length, least);
    const lead = index === 0 ? 0 : index === chosen.length - 1 ? slot - size.width : (slot - size.width) / 2;
    const place = { ...size, x: Math.round(x + lead), y: Math.round(head + (room - size.height) / 2) };
    x += slot + spare;
    return place;
  });
  const total = Math.ceil(x - spare - 1e-6); // a rounding error makes no scroll bar
  if (classes_outside) places[places.length - 1].x = Math.max(width, total);
  return { places, width: Math.max(width, total), height, head, vertical: false };
}

/** The width of a column with the space around it. @type {(size: {width: number}, index: number, count: number, least: number) => number} */
const slot_of = ({ width }, index, count, least) => (index === 0 || (index === count - 1 && width === 0) ? width + GAP : Math.max(width + GAP, least));

/** @param {{width: number}[]} sizes @param {number} least */
const needed = (sizes, least) => sizes.reduce((sum, size, index) => sum + slot_of(size, index, sizes.length, least), 0);

/** @typedef {{cell: number, stretch: number, room: number, width: number, classes_outside: boolean, class_width: number}} Room */

/** @type {(column: Column, index: number, count: number, room: Room) => Omit<Place, "x" | "y">} */
function size_of({ shape, maps }, index, count, { cell, stretch, room, width, classes_outside, class_width }) {
  if (index === 0) return image_size(shape, Math.min(width * 0.14, 130), Math.min(room, 150));
  if (index === count - 1 && classes_outside) return grid(maps, maps, 0, room / maps, 2);
  if (index === count - 1 && maps <= 30) return grid(maps, maps, Math.max(64, class_width), Math.min(30, room / maps), 2);
  if (shape.length !== 3) {
    const most = Math.floor(room / UNIT);
    const across = Math.min(UNITS_ACROSS, Math.ceil(maps / most));
    const values = Math.max(1, Math.ceil(maps / (across * most)));
    const cells = Math.ceil(maps / values);
    const rows = Math.ceil(cells / across);
    return { ...grid(cells, rows, across > 1 ? 7 : 20, Math.min(24, room / rows), across > 1 || room / rows < 6 ? 1 : 2), values };
  }
  const aspect = Math.min(2, Math.max(0.5, shape[1] / shape[0]));
  const most = Math.max(1, Math.min(maps, Math.floor(room / cell)));
  const rows = Math.ceil(maps / Math.ceil(maps / most));
  const side = Math.max(cell, Math.min(Math.floor(room / rows), cell * stretch, CELL.largest));
  return grid(maps, rows, Math.round(side * aspect), side, 2);
}
