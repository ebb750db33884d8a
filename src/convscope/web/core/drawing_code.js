// A drawing as a word of the URL: "d" and base64url of its strokes, or of the pixels of a picture.

import { MAX_POINTS } from "#web/core/strokes.js";

/** @typedef {import("#web/core/strokes.js").Stroke} Stroke */

/** Begins strokes: pixels never begin with a run of no zeros. */
const MARK = [0, 0, 1];

/** Coordinates beyond this were not written by `encode_strokes`. */
const MAX_UNIT = 4096;

/**
 * Strokes: for each the number of points, then every step from one point to the next, as variable-length integers.
 * @param {Stroke[]} strokes
 * @returns {string}
 */
export function encode_strokes(strokes) {
  const packed = [...MARK];
  const last = [0, 0];
  const put = (/** @type {number} */ value) => {
    for (; value > 127; value >>>= 7) packed.push((value & 127) | 128);
    packed.push(value);
  };
  for (const stroke of strokes) {
    put(stroke.length / 2);
    stroke.forEach((value, i) => {
      const step = value - last[i % 2];
      put(step < 0 ? -2 * step - 1 : 2 * step);
      last[i % 2] = value;
    });
  }
  return to_word(packed);
}

/**
 * @param {string} word
 * @returns {Stroke[]|null} null where it is not a drawing of strokes
 */
export function decode_strokes(word) {
  const text = from_word(word);
  if (!text || MARK.some((byte, i) => text.charCodeAt(i) !== byte)) return null;
  let [at, points] = [MARK.length, 0];
  const last = [0, 0];
  const take = () => {
    let [value, shift] = [0, 0];
    for (; at < text.length && shift < 28; shift += 7) {
      const byte = text.charCodeAt(at++);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    return NaN;
  };
  /** @type {Stroke[]} */
  const strokes = [];
  while (at < text.length) {
    const count = take();
    points += count;
    if (!(count >= 1 && points <= MAX_POINTS + 2)) return null;
    const stroke = Array.from({ length: 2 * count }, (_, i) => {
      const step = take();
      return (last[i % 2] += step % 2 ? -(step + 1) / 2 : step / 2);
    });
    if (stroke.some((value) => !(value >= 0 && value <= MAX_UNIT))) return null;
    strokes.push(stroke);
  }
  return strokes;
}

/**
 * Pixels, with run-length encoded zeros.
 * @param {Uint8Array} pixels
 * @returns {string}
 */
export function encode_drawing(pixels) {
  const packed = [];
  for (let i = 0; i < pixels.length; ) {
    let run = 0;
    while (run < 255 && i + run < pixels.length && pixels[i + run] === 0) run++;
    if (run) packed.push(0, run);
    else packed.push(pixels[i]);
    i += run || 1;
  }
  return to_word(packed);
}

/**
 * @param {string} word from `encode_drawing`
 * @param {number} size pixels times channels
 * @returns {Uint8Array|null} null where it is not a drawing of that size
 */
export function decode_drawing(word, size) {
  const text = from_word(word);
  if (text === null) return null;
  const out = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const value = text.charCodeAt(i);
    if (value === 0) at += text.charCodeAt(++i) || 0;
    else if (at < size) out[at++] = value;
    else return null;
  }
  return at === size ? out : null;
}

/** @param {number[]} bytes */
function to_word(bytes) {
  const text = bytes.map((byte) => String.fromCharCode(byte)).join("");
  return `d${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** @param {string} word @returns {string|null} its bytes as characters; null where it is not base64url */
function from_word(word) {
  try {
    return atob(word.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
}
