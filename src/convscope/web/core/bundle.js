// The bundle that Python wrote, checked and unpacked.

import { word } from "#web/core/words.js";

/** @typedef {import("#web/bundle.d.ts").Bundle} Bundle */
/** @typedef {import("#web/bundle.d.ts").ArrayJson} ArrayJson */
/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {{shape: number[], data: Uint8Array}} Bytes */

export const SCHEMA_VERSION = 2;

/** Whether this machine has the byte order of the bundle. */
export const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const KEYS = [
  "class_names", "claimed_pairs", "convscope", "evaluation", "history", "keras_source", "network", "pictures",
  "preprocessing", "reference", "schema_version", "temperature", "title", "training", "weights",
];

/**
 * Read the bundle's text.
 * @param {string} text JSON
 * @returns {Bundle}
 * @throws {Error} It is not JSON, a key is missing, or it has another version.
 */
export function read_bundle(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(word("page.damaged_json"));
  }
  const version = value?.schema_version;
  if (!Number.isInteger(version) || version < 1) {
    throw new Error(word("page.damaged_version"));
  }
  if (version !== SCHEMA_VERSION) {
    throw new Error(word("page.version", { expected: SCHEMA_VERSION, version }));
  }
  const missing = KEYS.filter((key) => !(key in value));
  if (missing.length) throw new Error(word("page.damaged_fields", { names: missing.join(", ") }));
  return value;
}

/**
 * @param {ArrayJson} array
 * @returns {Tensor}
 * @throws {Error} Its bytes do not fit its shape.
 */
export function floats(array) {
  const bytes = unpack(array, "float32", 4);
  if (LITTLE_ENDIAN) return { shape: array.shape, data: new Float32Array(bytes.buffer) };
  const data = new Float32Array(bytes.length / 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) data[i] = view.getFloat32(4 * i, true);
  return { shape: array.shape, data };
}

/**
 * @param {ArrayJson} array
 * @returns {Bytes}
 * @throws {Error} Its bytes do not fit its shape.
 */
export function bytes(array) {
  return { shape: array.shape, data: unpack(array, "uint8", 1) };
}

/**
 * The images of the bundle, (n, h, w, c).
 * @param {Bundle["pictures"]} pictures
 * @returns {Promise<Bytes>}
 * @throws {Error} They are damaged, or the browser cannot decompress them.
 */
export async function picture_bytes({ encoding, pixels }) {
  if (encoding === "zeros") return with_zeros(pixels);
  if (encoding !== "deflate") return bytes(pixels); // written before images were compressed
  if (typeof DecompressionStream === "undefined") throw new Error(word("page.old_browser"));
  const length = pixels.shape.reduce((product, side) => product * side, 1);
  const data = await inflate(pixels.base64);
  if (data?.length !== length) throw new Error(word("page.damaged_inflate"));
  return { shape: pixels.shape, data };
}

/**
 * Bytes in which each run of zeros is a 0 and its length.
 * @param {import("#web/bundle.d.ts").ArrayJson} array
 * @returns {Bytes}
 * @throws {Error} They are damaged.
 */
function with_zeros({ shape, base64 }) {
  const packed = from_base64(base64);
  const data = new Uint8Array(shape.reduce((product, side) => product * side, 1));
  let at = 0;
  for (let i = 0; i < packed.length; i++) {
    if (packed[i]) data[at++] = packed[i];
    else at += packed[++i];
  }
  if (at !== data.length) throw new Error(word("page.damaged_images"));
  return { shape, data };
}

/**
 * Decompress bytes.
 * @param {string} base64 of bytes compressed by zlib
 * @returns {Promise<Uint8Array<ArrayBuffer>|null>} null where they are damaged
 */
export async function inflate(base64) {
  const stream = new Blob([from_base64(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer().then((buffer) => new Uint8Array(buffer), () => null);
}

/**
 * @param {Record<string, ArrayJson>} arrays
 * @returns {Record<string, Tensor>}
 */
export function unpack_all(arrays) {
  return Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, floats(array)]));
}

/** @param {ArrayJson} array @param {string} dtype @param {number} size @returns {Uint8Array<ArrayBuffer>} */
function unpack(array, dtype, size) {
  if (array.dtype !== dtype) throw new Error(`Expected an array of ${dtype}. Received: ${array.dtype}.`);
  const out = from_base64(array.base64);
  const length = array.shape.reduce((product, side) => product * side, size);
  if (out.length !== length) throw new Error(`Expected ${length} bytes in an array. Received: ${out.length}.`);
  return out;
}

/** @param {string} base64 @returns {Uint8Array<ArrayBuffer>} */
export function from_base64(base64) {
  const { fromBase64 } = /** @type {any} */ (Uint8Array); // browsers since 2025
  if (fromBase64) return fromBase64.call(Uint8Array, base64);
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}
