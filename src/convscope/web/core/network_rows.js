// Layers as rows, from top to bottom, on narrow screens.

import { grid, image_size, UNIT, UNITS_ACROSS } from "#web/core/cell_grid.js";

/** @typedef {import("#web/core/network_layout.js").Column} Column */
/** @typedef {import("#web/core/network_layout.js").Layout} Layout */
/** @typedef {import("#web/core/network_layout.js").Options} Options */
/** @typedef {import("#web/core/network_layout.js").Place} Place */

const ROW = { largest: 44, smallest: 22, lines: 3, head: 22, edges: 30 };

/** @type {(columns: Column[], width: number, options: Required<Options>) => Layout} */
export function in_rows(columns, width, { scale, class_width }) {
  const head = ROW.head * scale;
  let y = head;
  const places = columns.map((column, index) => {
    const size = row_size(column, index, columns.length, { width, class_width });
    const place = { ...size, x: Math.round((width - size.width) / 2), y: Math.round(y) };
    y += size.height + ROW.edges + head;
    return place;
  });
  return { places, width, height: Math.ceil(y - ROW.edges - head + 4), head, vertical: true };
}

/** @type {(column: Column, index: number, count: number, room: {width: number, class_width: number}) => Omit<Place, "x" | "y">} */
function row_size({ shape, maps }, index, count, { width, class_width }) {
  if (index === 0) return image_size(shape, width, 84);
  if (index === count - 1 && maps <= 30) {
    const across = Math.min(maps, Math.max(1, Math.floor(width / class_width)));
    return grid(maps, Math.ceil(maps / across), Math.floor(width / across), 28, 2);
  }
  if (shape.length !== 3) {
    const most = Math.floor(width / UNIT);
    const rows = Math.min(UNITS_ACROSS, Math.ceil(maps / most));
    const values = Math.max(1, Math.ceil(maps / (rows * most)));
    const cells = Math.ceil(maps / values);
    return { ...grid(cells, rows, Math.min(24, width / Math.ceil(cells / rows)), rows > 1 ? 8 : 22, 1), values };
  }
  const aspect = Math.min(2, Math.max(0.5, shape[1] / shape[0]));
  const lines = (/** @type {number} */ cell) => Math.ceil(maps / Math.max(1, Math.floor(width / (cell * aspect))));
  let cell = ROW.largest;
  while (cell > ROW.smallest && lines(cell) > ROW.lines) cell -= 1;
  return grid(maps, lines(cell), Math.floor(cell * aspect), cell, 2);
}
