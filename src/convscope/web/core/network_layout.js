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

const HEAD = 58; // pixels above a column for its name
const BORDER = 2; // pixels below a column: its outline
const CELL = { largest: 64, smallest: 15, scrolled: 28 };
const STRETCHES = [1.5, 1.4, 1.3, 1.2, 1.1];
const GAP = 34; // pixels between columns, where the edges run
const SLOTS = [84, 71]; // pixels that a column's name needs, at best and at least
const UNIT = 3; // pixels: the least height of a unit's cell
const UNITS_ACROSS = 8;
const ROW = { largest: 44, smallest: 22, lines: 3, head: 22, edges: 30 };

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

/** @type {(columns: Column[], box: {width: number, height: number}, options: Required<Options>) => Layout} */
function in_columns(columns, { width, height }, { classes_outside, scale, class_width }) {
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

/** @type {(cells: number, rows: number, cell_width: number, cell_height: number, gap: number) => Omit<Place, "x" | "y">} */
function grid(cells, rows, cell_width, cell_height, gap) {
  const across = Math.ceil(cells / rows);
  return { width: across * cell_width, height: Math.ceil(cells / across) * cell_height, across, cells, values: 1, cell_width, cell_height, gap };
}

/** @type {(shape: number[], width: number, height: number) => Omit<Place, "x" | "y">} */
function image_size(shape, width, height) {
  const scale = Math.min(width / shape[1], height / shape[0]);
  const [wide, tall] = [Math.round(shape[1] * scale), Math.round(shape[0] * scale)];
  return { width: wide, height: tall, across: 1, cells: 1, values: 1, cell_width: wide, cell_height: tall, gap: 0 };
}

/** @type {(columns: Column[], width: number, options: Required<Options>) => Layout} */
function in_rows(columns, width, { scale, class_width }) {
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
