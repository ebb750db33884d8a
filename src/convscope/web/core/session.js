// The network, its images, and what was computed of the selected image.

import { bytes, unpack_all } from "#web/core/bundle.js";
import { prepare } from "#web/core/forward.js";
import { count } from "#web/core/network.js";
import { parse_off } from "#web/core/state.js";

/** @typedef {import("#web/core/bundle.js").Bundle} Bundle */
/** @typedef {import("#web/core/bundle.js").Bytes} Bytes */
/** @typedef {import("#web/core/bundle.js").Tensor} Tensor */
/** @typedef {import("#web/core/network.js").Activations} Activations */
/** @typedef {import("#web/core/state.js").State} State */

/**
 * @typedef {object} Session
 * @property {Bundle} bundle
 * @property {Record<string, Tensor>} weights
 * @property {Bytes} pixels every image of the bundle, (n, h, w, c)
 * @property {Uint8Array|null} selected the selected image, preprocessed; null for none
 * @property {Activations|null} activations of the selected image; null without ink, because the network does not run then
 * @property {(state: State) => void} select select the state's image and active filters, and compute
 * @property {(image: Tensor, off?: Record<string, number[]>) => Activations} run compute another image, keeping nothing
 */

/**
 * @param {Bundle} bundle
 * @param {Bytes} [pixels] the images of the bundle, if they are compressed in it
 * @returns {Session}
 * @throws {Error} A weight or an array of the bundle does not fit the network, or its layer kinds are not loaded.
 */
export function create_session(bundle, pixels = bytes(bundle.pictures.pixels)) {
  const weights = unpack_all(bundle.weights);
  const engine = prepare(bundle.network, weights);
  /** @type {Session} */
  const session = {
    bundle,
    weights,
    pixels,
    selected: null,
    activations: null,
    select(state) {
      session.selected = picture_of(session, state.picture);
      const image = session.selected && has_ink(session) && to_image(session.selected, bundle.network.input_shape);
      session.activations = image ? session.run(image, parse_off(state.off)) : null;
    },
    run: (image, off = {}) => engine.run(image, { off: known(bundle, off) }),
  };
  return session;
}

/**
 * Whether the selected image has ink; networks that preprocess digits see an image without ink as all 0.
 * @param {Pick<Session, "bundle"|"selected">} session
 */
export function has_ink({ bundle, selected }) {
  return bundle.preprocessing.fit !== "mnist" || selected === null || selected.some((level) => level > 0);
}

/**
 * The pixels of State.picture.
 * @param {Pick<Session, "bundle"|"pixels">} session
 * @param {string} picture
 * @returns {Uint8Array|null} null where there is no such picture
 */
export function picture_of({ bundle, pixels }, picture) {
  if (picture.startsWith("d")) return decode_drawing(picture, count(bundle.network.input_shape));
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
  return { shape, data: Float32Array.from(pixels, (value) => value * Math.fround(1 / 255)) };
}

/**
 * A drawing for the URL: "d" and base64url, with run-length encoded zeros.
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
  const text = packed.map((byte) => String.fromCharCode(byte)).join("");
  return `d${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/**
 * @param {string} word from `encode_drawing`
 * @param {number} size pixels times channels
 * @returns {Uint8Array|null} null where it is not a drawing of that size
 */
export function decode_drawing(word, size) {
  let text;
  try {
    text = atob(word.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null;
  }
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

/**
 * The filters of State.off that exist: a link may have been edited by hand.
 * @param {Bundle} bundle
 * @param {string} off
 * @returns {Record<string, number[]>} by layer name
 */
export function existing_off(bundle, off) {
  return known(bundle, parse_off(off));
}

/** Only filters that exist. @param {Bundle} bundle @param {Record<string, number[]>} off */
function known(bundle, off) {
  const channels = new Map(bundle.network.layers.map((row) => [row.name, row.output_shape.at(-1) ?? 0]));
  const pairs = Object.entries(off).map(([name, list]) => [name, list.filter((c) => c < (channels.get(name) ?? 0))]);
  return Object.fromEntries(pairs.filter(([, list]) => list.length));
}
