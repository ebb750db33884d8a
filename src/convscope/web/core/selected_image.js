// The selected image: an image of the bundle, a drawing, or a picture of one's own.

import { decode_drawing, decode_strokes } from "#web/core/drawing_code.js";
import { count } from "#web/core/network.js";
import { render } from "#web/core/strokes.js";

/** @typedef {import("#web/core/bundle.js").Bundle} Bundle */
/** @typedef {import("#web/core/bundle.js").Bytes} Bytes */
/** @typedef {import("#web/core/bundle.js").Tensor} Tensor */
/** @typedef {import("#web/core/session.js").Session} Session */

/**
 * Whether the selected image shows anything. Networks that preprocess digits see an image without ink as all 0; for others,
 * a picture of one's own is blank where all pixels are equal.
 * @param {{bundle: Pick<Bundle, "network"|"preprocessing">, picture: string, selected: Uint8Array|null}} session
 */
export function has_ink({ bundle, picture, selected }) {
  if (selected === null) return true;
  if (bundle.preprocessing.fit === "mnist") return selected.some((level) => level > 0);
  const channels = bundle.network.input_shape[2];
  return !picture.startsWith("d") || selected.some((level, i) => level !== selected[i % channels]);
}

/**
 * The pixels of State.picture.
 * @param {Pick<Session, "pixels"|"paper"> & {bundle: Pick<Bundle, "network"|"preprocessing"> & {pictures: {entries: unknown[]}}}} session
 * @param {string} picture
 * @returns {Uint8Array|null} null where there is no such picture
 */
export function picture_of({ bundle, pixels, paper }, picture) {
  if (picture.startsWith("d")) {
    const strokes = decode_strokes(picture);
    if (!strokes) return decode_drawing(picture, count(bundle.network.input_shape));
    return strokes.length ? render(strokes, /** @type {any} */ (bundle.preprocessing), paper) : null;
  }
  const position = picture.startsWith("p") ? Number(picture.slice(1)) : -1;
  if (position < 0 || position >= bundle.pictures.entries.length) return null;
  return pixels_at(pixels, position);
}

/**
 * One image of the bundle.
 * @param {Bytes} pixels (n, h, w, c)
 * @param {number} position 0..n-1
 * @returns {Uint8Array}
 */
export function pixels_at({ shape, data }, position) {
  const size = count(shape.slice(1));
  return data.subarray(position * size, (position + 1) * size);
}

/**
 * Bytes 0..255 to the network's input, [0, 1].
 * @param {Uint8Array} pixels
 * @param {number[]} shape
 * @returns {Tensor}
 */
export function to_image(pixels, shape) {
  const data = new Float32Array(pixels.length);
  for (let at = 0; at < data.length; at += 1) data[at] = pixels[at] * Math.fround(1 / 255); // this runs for every frame of a drawing
  return { shape, data };
}
