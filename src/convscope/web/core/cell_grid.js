// The cells of a column or row of the network.

/** @typedef {import("#web/core/network_layout.js").Place} Place */

/** Pixels: the least height of a unit's cell. */
export const UNIT = 3;

/** Cells of units side by side, at most. */
export const UNITS_ACROSS = 8;

/** @type {(cells: number, rows: number, cell_width: number, cell_height: number, gap: number) => Omit<Place, "x" | "y">} */
export function grid(cells, rows, cell_width, cell_height, gap) {
  const across = Math.ceil(cells / rows);
  return { width: across * cell_width, height: Math.ceil(cells / across) * cell_height, across, cells, values: 1, cell_width, cell_height, gap };
}

/** @type {(shape: number[], width: number, height: number) => Omit<Place, "x" | "y">} */
export function image_size(shape, width, height) {
  const scale = Math.min(width / shape[1], height / shape[0]);
  const [wide, tall] = [Math.round(shape[1] * scale), Math.round(shape[0] * scale)];
  return { width: wide, height: tall, across: 1, cells: 1, values: 1, cell_width: wide, cell_height: tall, gap: 0 };
}
