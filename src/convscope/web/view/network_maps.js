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
 * @typedef {{height: number, width: number, color: (cell: number, row: number, column: number) => number}} Reader
 * @param {Content} content @param {number} values in a cell @param {Uint32Array} table
 * @returns {Reader}
 */
function reader({ tensor, bytes, shape }, values, table) {
  const [height, width, channels] = shape.length === 3 ? shape : [1, 1, shape[0]];
  if (bytes !== undefined) {
    const green = channels === 3 ? 1 : 0;
    return { height, width, color: (_, row, column) => {
      const at = (row * width + column) * channels;
      return bytes ? pixel([bytes[at], bytes[at + green], bytes[at + 2 * green]]) : pixel([0, 0, 0]);
    } };
  }
  if (!tensor) return { height: 1, width: 1, color: () => table[STEPS] };
  const { data } = tensor;
  const scale = STEPS / (largest_magnitude(data) || 1);
  if (values === 1) return { height, width, color: (cell, row, column) => table[STEPS + Math.round(data[(row * width + column) * channels + cell] * scale)] };
  return { height, width, color: (cell) => {
    let most = 0;
    for (let at = cell * values; at < Math.min((cell + 1) * values, data.length); at += 1) if (Math.abs(data[at]) > Math.abs(most)) most = data[at];
    return table[STEPS + Math.round(most * scale)];
  } };
}

/**
 * One map into its cell, each canvas pixel with the color of the map's pixel at that place.
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
  for (let y = 0; y < tall; y += 1) {
    const row = Math.min(read.height - 1, Math.floor((y * read.height) / tall));
    const start = (top + y) * target.width + left;
    for (let x = 0, last = -1, color = 0; x < wide; x += 1) {
      const column = Math.min(read.width - 1, Math.floor((x * read.width) / wide));
      if (column !== last) color = read.color(cell, row, (last = column));
      target.data[start + x] = color;
    }
    if (framed) target.data[start] = target.data[start + wide - 1] = frame;
  }
  if (!framed) return;
  target.data.fill(frame, top * target.width + left, top * target.width + right);
  target.data.fill(frame, (bottom - 1) * target.width + left, (bottom - 1) * target.width + right);
}

/** @param {number[]} color */
const pixel = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;
