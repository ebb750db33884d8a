// Paints all maps of a network on one canvas, straight into its pixels: this runs for every frame of a drawing.

import { color_table, largest_magnitude, STEPS } from "#web/core/scale.js";
import { is_dark, line_colors } from "#web/view/theme.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {import("#web/core/network_layout.js").Place} Place */
/** @typedef {{tensor: Tensor|null, bytes?: Uint8Array|null, shape: number[]}} Content a column's values; `bytes` for the image */

const LEAST_FRAMED = 6; // pixels: smaller cells have no outline

/**
 * @param {HTMLCanvasElement} canvas
 */
export function map_painter(canvas) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {Map<number, ImageData>} */
  const buffers = new Map();
  /** @type {Uint32Array[]} light and dark */
  const tables = [];

  /** @param {number} index @param {number} width @param {number} height */
  function buffer(index, width, height) {
    const found = buffers.get(index);
    if (found?.width === width && found.height === height) return found;
    const made = new ImageData(width, height);
    buffers.set(index, made);
    return made;
  }

  return {
    /**
     * @param {Place[]} places @param {Content[]} contents @param {number} ratio canvas pixels per CSS pixel
     */
    paint(places, contents, ratio) {
      const dark = is_dark();
      const table = (tables[Number(dark)] ??= color_table(dark));
      const frame = pixel(line_colors().edge);
      places.forEach((place, index) => {
        const [width, height] = [Math.round(place.width * ratio), Math.round(place.height * ratio)];
        if (width < 1 || height < 1) return;
        const image = buffer(index, width, height);
        const target = { data: new Uint32Array(image.data.buffer), width, height };
        target.data.fill(0);
        const read = reader(contents[index], place.values, table);
        for (let cell = 0; cell < place.cells; cell += 1) paint_cell(target, place, cell, ratio, read, frame);
        context.putImageData(image, Math.round(place.x * ratio), Math.round(place.y * ratio));
      });
    },
  };
}

/**
 * The colors of a map's pixels; a map that is larger than its cell is pooled: the value of largest magnitude of each block stays
 * visible, and an image keeps its mean.
 * @typedef {{height: number, width: number, color: (cell: number, row: number, column: number, end_row: number, end_column: number) => number}} Reader
 * @param {Content} content @param {number} values in a cell @param {Uint32Array} table
 * @returns {Reader}
 */
export function reader({ tensor, bytes, shape }, values, table) {
  const [height, width, channels] = shape.length === 3 ? shape : [1, 1, shape[0]];
  if (bytes !== undefined) return { height, width, color: (_, ...block) => (bytes ? mean_color(bytes, width, channels, block) : pixel([0, 0, 0])) };
  if (!tensor) return { height: 1, width: 1, color: () => table[STEPS] };
  const { data } = tensor;
  const scale = STEPS / (largest_magnitude(data) || 1);
  const color_of = (/** @type {number} */ value) => table[STEPS + Math.round(value * scale)];
  if (values > 1) return { height, width, color: (cell) => color_of(strongest(data, cell * values, Math.min((cell + 1) * values, data.length), 1)) };
  return { height, width, color(cell, row, column, end_row, end_column) {
    let most = 0;
    for (let at = row; at < end_row; at += 1) {
      const one = strongest(data, (at * width + column) * channels + cell, (at * width + end_column) * channels, channels);
      if (Math.abs(one) > Math.abs(most)) most = one;
    }
    return color_of(most);
  } };
}

/** The value of largest magnitude. @param {Float32Array} data @param {number} from @param {number} end @param {number} step */
function strongest(data, from, end, step) {
  let most = 0;
  for (let at = from; at < end; at += step) if (Math.abs(data[at]) > Math.abs(most)) most = data[at];
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
  for (let y = 0, last_row = -1; y < tall; y += 1) {
    const [row, end_row] = block(y, tall, read.height);
    const start = (top + y) * target.width + left;
    if (row === last_row) target.data.copyWithin(start, start - target.width, start - target.width + wide);
    else paint_row(target.data, start, wide, cell, read, row, end_row);
    last_row = row;
  }
  if (!framed) return;
  for (let y = top; y < bottom; y += 1) target.data[y * target.width + left] = target.data[y * target.width + right - 1] = frame;
  target.data.fill(frame, top * target.width + left, top * target.width + right);
  target.data.fill(frame, (bottom - 1) * target.width + left, (bottom - 1) * target.width + right);
}

/** @param {Uint32Array} data @param {number} start @param {number} wide @param {number} cell @param {Reader} read @param {number} row @param {number} end_row */
function paint_row(data, start, wide, cell, read, row, end_row) {
  for (let x = 0, last = -1, color = 0; x < wide; x += 1) {
    const column = Math.floor((x * read.width) / wide);
    if (column !== last) color = read.color(cell, row, (last = column), end_row, Math.max(column + 1, Math.floor(((x + 1) * read.width) / wide)));
    data[start + x] = color;
  }
}

/** The pixels of a map that one canvas pixel shows: first and end. @param {number} at @param {number} length @param {number} size @returns {[number, number]} */
function block(at, length, size) {
  const first = Math.floor((at * size) / length);
  return [first, Math.max(first + 1, Math.floor(((at + 1) * size) / length))];
}

/** @param {number[]} color */
const pixel = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;
