// The pixels of all maps of a network, ready for a canvas: computed for every frame of a drawing, in the worker where there is one.

import { color_table, largest_magnitude, STEPS } from "#web/core/scale.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {import("#web/core/network_layout.js").Place} Place */
/** @typedef {{tensor: Tensor|null, bytes?: Uint8Array|null, shape: number[]}} Content a column's values; `bytes` for the image */
/** @typedef {{ratio: number, dark: boolean, frame: number[]}} Look `ratio`: canvas pixels per CSS pixel; `frame`: color of the outlines */
/** @typedef {{x: number, y: number, width: number, height: number, data: Uint32Array<ArrayBuffer>}} Pixels of a column, in canvas pixels; no width or height where nothing is drawn */

const LEAST_FRAMED = 6; // pixels: smaller cells have no outline

/** The scale, light and dark. @type {Uint32Array[]} */
const tables = [];

/**
 * The pixels of a column.
 * @param {Place} place
 * @param {Content} content
 * @param {Look} look
 * @returns {Pixels}
 */
export function column_pixels(place, content, { ratio, dark, frame }) {
  const table = (tables[Number(dark)] ??= color_table(dark));
  const [width, height] = [Math.max(Math.round(place.width * ratio), 0), Math.max(Math.round(place.height * ratio), 0)];
  const target = { x: Math.round(place.x * ratio), y: Math.round(place.y * ratio), width, height, data: new Uint32Array(width * height) };
  if (!target.data.length) return target;
  const read = reader(content, place.values, table);
  const edge = pixel(frame);
  for (let cell = 0; cell < place.cells; cell += 1) paint_cell(target, place, cell, ratio, read, edge);
  return target;
}

/**
 * The colors of a map's pixels; a map that is larger than its cell is pooled: the value of largest magnitude of each block stays
 * visible, and an image keeps its mean. `row` writes the colors of one row of blocks, whose columns are `spans`: first and end of each.
 * @typedef {{height: number, width: number, row: (out: Uint32Array, start: number, cell: number, rows: [number, number], spans: Int32Array) => void}} Reader
 * @param {Content} content @param {number} values in a cell @param {Uint32Array} table
 * @returns {Reader}
 */
export function reader({ tensor, bytes, shape }, values, table) {
  const [height, width, channels] = shape.length === 3 ? shape : [1, 1, shape[0]];
  if (bytes !== undefined) return { height, width, row(out, start, _, rows, spans) {
    for (let x = 0; 2 * x < spans.length; x += 1) out[start + x] = bytes ? mean_color(bytes, width, channels, [rows[0], spans[2 * x], rows[1], spans[2 * x + 1]]) : pixel([0, 0, 0]);
  } };
  const { data } = tensor ?? { data: new Float32Array(1) };
  const scale = STEPS / (largest_magnitude(data) || 1);
  if (!tensor || values > 1) return { height: 1, width: 1, row(out, start, cell, _, spans) {
    const value = tensor ? strongest(data, cell * values, Math.min((cell + 1) * values, data.length)) : 0;
    out.fill(table[STEPS + Math.round(value * scale)], start, start + spans.length / 2);
  } };
  return { height, width, row(out, start, cell, [first, end], spans) {
    for (let x = 0; 2 * x < spans.length; x += 1) {
      if (x && spans[2 * x] === spans[2 * x - 2] && spans[2 * x + 1] === spans[2 * x - 1]) {
        out[start + x] = out[start + x - 1];
        continue;
      }
      let most = 0;
      for (let r = first; r < end; r += 1) {
        for (let c = spans[2 * x]; c < spans[2 * x + 1]; c += 1) {
          const value = data[(r * width + c) * channels + cell];
          if (Math.abs(value) > Math.abs(most)) most = value;
        }
      }
      out[start + x] = table[STEPS + Math.round(most * scale)];
    }
  } };
}

/** The value of largest magnitude. @param {Float32Array} data @param {number} from @param {number} end */
function strongest(data, from, end) {
  let most = 0;
  for (let at = from; at < end; at += 1) if (Math.abs(data[at]) > Math.abs(most)) most = data[at];
  return most;
}

/** @param {Uint8Array} bytes @param {number} width @param {number} channels @param {number[]} block row, column, and their ends */
function mean_color(bytes, width, channels, [row, column, end_row, end_column]) {
  const sums = [0, 0, 0];
  for (let r = row; r < end_row; r += 1) for (let c = column; c < end_column; c += 1) for (let k = 0; k < 3; k += 1) sums[k] += bytes[(r * width + c) * channels + (channels === 3 ? k : 0)];
  const size = (end_row - row) * (end_column - column);
  return pixel(sums.map((sum) => Math.round(sum / size)));
}

/**
 * One map into its cell, each canvas pixel with the color of the map's pixels at that place.
 * @param {{data: Uint32Array, width: number, height: number}} target @param {Place} place @param {number} cell
 * @param {number} ratio @param {Reader} read @param {number} frame
 */
function paint_cell(target, place, cell, ratio, read, frame) {
  const left = Math.round((cell % place.across) * place.cell_width * ratio);
  const top = Math.round(Math.floor(cell / place.across) * place.cell_height * ratio);
  const right = Math.min(Math.max(left + 1, Math.round(((cell % place.across) + 1) * place.cell_width * ratio - place.gap * ratio)), target.width);
  const bottom = Math.min(Math.max(top + 1, Math.round((Math.floor(cell / place.across) + 1) * place.cell_height * ratio - place.gap * ratio)), target.height);
  const framed = right - left >= LEAST_FRAMED && bottom - top >= LEAST_FRAMED;
  const [wide, tall] = [right - left, bottom - top];
  const [rows, columns] = [blocks(tall, read.height), blocks(wide, read.width)];
  for (let y = 0; y < tall; y += 1) {
    const start = (top + y) * target.width + left;
    const [first, end] = [rows[2 * y], rows[2 * y + 1]];
    if (y && first === rows[2 * y - 2] && end === rows[2 * y - 1]) target.data.copyWithin(start, start - target.width, start - target.width + wide);
    else read.row(target.data, start, cell, [first, end], columns);
  }
  if (!framed) return;
  for (let y = top; y < bottom; y += 1) target.data[y * target.width + left] = target.data[y * target.width + right - 1] = frame;
  target.data.fill(frame, top * target.width + left, top * target.width + right);
  target.data.fill(frame, (bottom - 1) * target.width + left, (bottom - 1) * target.width + right);
}

/** The maps of a column have the same blocks. @type {Map<number, Int32Array>} */
const known = new Map();

/** Which pixels of a map each canvas pixel shows, on one axis: first and end of each. @param {number} length @param {number} size */
function blocks(length, size) {
  const key = length * 65536 + size;
  const found = known.get(key);
  if (found) return found;
  const made = new Int32Array(2 * length);
  for (let at = 0; at < length; at += 1) {
    made[2 * at] = Math.floor((at * size) / length);
    made[2 * at + 1] = Math.max(made[2 * at] + 1, Math.floor(((at + 1) * size) / length));
  }
  if (known.size > 500) known.clear(); // after many sizes of the window
  known.set(key, made);
  return made;
}

/** @param {number[]} color */
const pixel = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;
