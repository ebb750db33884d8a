// Resampling, specified exactly (see `resample.py`): a triangle filter in float64, rounded once, at the end.

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/**
 * The weights of each output pixel along one axis: `taps` of them from input pixel `first[i]` on, at `i * taps`.
 * @typedef {{taps: number, first: Int32Array, weights: Float64Array}} Bands
 */

/** Added before rounding down: ties round up despite rounding errors. */
const ROUNDING_MARGIN = 1e-6;

/** From this factor on, blocks of pixels are averaged first. */
const BLOCKS_FROM = 8;

/**
 * The nearest whole number, ties up: `floor(value + 0.5 + 1e-6)`.
 * @param {number} value
 * @returns {number}
 */
export function nearest(value) {
  return Math.floor(value + (0.5 + ROUNDING_MARGIN));
}

/**
 * Output pixel i samples the point `(i + 0.5) scale`, `scale = size_in / size_out`; input pixel j, whose middle is at
 * `j + 0.5`, weighs `max(0, 1 - distance / max(scale, 1))`. Each output pixel's weights are divided by their sum.
 * @param {number} size_in at least 1
 * @param {number} size_out at least 1
 * @returns {Bands} only the part of each row that can differ from 0
 */
export function triangle_bands(size_in, size_out) {
  const scale = size_in / size_out;
  const reach = Math.max(scale, 1);
  const taps = Math.min(size_in, Math.ceil(2 * reach)); // integers in an open interval of length 2 reach
  const first = new Int32Array(size_out);
  const weights = new Float64Array(size_out * taps);
  for (let i = 0; i < size_out; i++) {
    const middle = (i + 0.5) * scale;
    first[i] = Math.min(Math.max(Math.floor(middle - reach + 0.5), 0), size_in - taps);
    const band = weights.subarray(i * taps, (i + 1) * taps);
    let sum = 0;
    for (let k = 0; k < taps; k++) {
      band[k] = Math.max(0, 1 - Math.abs(first[i] + k + 0.5 - middle) / reach);
      sum += band[k];
    }
    for (let k = 0; k < taps; k++) band[k] /= sum;
  }
  return { taps, first, weights };
}

/**
 * Average whole blocks of `size`×`size` pixels, rounding half up; remaining rows and columns are cropped, the
 * smaller half at the top and the left.
 * @param {Picture} picture h×w×c
 * @param {number} size at least 1, at most h and w
 * @returns {Picture} floor(h / size) × floor(w / size) × c
 */
export function average_blocks({ height: h, width: w, channels, data }, size) {
  const [height, width] = [Math.floor(h / size), Math.floor(w / size)];
  const [top, left] = [Math.floor((h - height * size) / 2), Math.floor((w - width * size) / 2)];
  const out = new Uint8Array(height * width * channels);
  const line = new Uint32Array(width * size * channels);
  const area = size * size;
  for (let row = 0, to = 0; row < height; row++) {
    line.fill(0);
    for (let k = 0; k < size; k++) {
      const from = ((top + row * size + k) * w + left) * channels;
      for (let x = 0; x < line.length; x++) line[x] += data[from + x];
    }
    for (let column = 0; column < width; column++) {
      for (let channel = 0; channel < channels; channel++, to++) {
        let sum = 0;
        for (let k = 0; k < size; k++) sum += line[(column * size + k) * channels + channel];
        out[to] = Math.floor((sum * 2 + area) / (2 * area));
      }
    }
  }
  return { height, width, channels, data: out };
}

/**
 * Resize a picture to `height`×`width`: blocks are averaged first where both sides are at least 8 times larger, then
 * the triangle filter along rows and columns, then rounding half up.
 * @param {Picture} picture h×w×c
 * @param {number} height at least 1
 * @param {number} width at least 1
 * @returns {Picture} height×width×c; the picture itself where it has that size
 */
export function resample(picture, height, width) {
  if (picture.height === height && picture.width === width) return picture;
  const reduction = Math.min(picture.height / height, picture.width / width);
  const source = reduction >= BLOCKS_FROM ? average_blocks(picture, Math.floor(reduction / 4)) : picture;
  const channels = source.channels;
  const down = triangle_bands(source.height, height);
  const across = triangle_bands(source.width, width);
  const data = new Uint8Array(height * width * channels);
  const line = new Float64Array(source.width * channels);
  for (let row = 0; row < height; row++) {
    mix_rows(source.data, down, row, line);
    const out = data.subarray(row * width * channels, (row + 1) * width * channels);
    mix_columns(line, across, channels, out);
  }
  return { height, width, channels, data };
}

/**
 * @param {Uint8Array} data the input picture
 * @param {Bands} bands
 * @param {number} row of the output
 * @param {Float64Array} line overwritten: the weighted sum of the input's rows
 */
function mix_rows(data, { taps, first, weights }, row, line) {
  line.fill(0);
  for (let k = 0; k < taps; k++) {
    const weight = weights[row * taps + k];
    if (weight === 0) continue;
    const from = (first[row] + k) * line.length;
    for (let x = 0; x < line.length; x++) line[x] += weight * data[from + x];
  }
}

/**
 * @param {Float64Array} line one row of the input's width
 * @param {Bands} bands
 * @param {number} channels
 * @param {Uint8Array} out overwritten: one row of the output
 */
function mix_columns(line, { taps, first, weights }, channels, out) {
  for (let column = 0, to = 0; column < first.length; column++) {
    const from = first[column] * channels;
    for (let channel = 0; channel < channels; channel++, to++) {
      let sum = 0;
      for (let k = 0; k < taps; k++) sum += weights[column * taps + k] * line[from + k * channels + channel];
      out[to] = nearest(sum);
    }
  }
}

/**
 * Resample so that the longer side is at most `side`.
 * @param {Picture} picture h×w×c
 * @param {number} side at least 1
 * @returns {Picture} the picture itself where it is no longer
 */
export function reduce_to(picture, side) {
  const longer = Math.max(picture.height, picture.width);
  if (longer <= side) return picture;
  const [rows, columns] = [picture.height, picture.width].map((s) => Math.max(1, nearest((s * side) / longer)));
  return resample(picture, rows, columns);
}
