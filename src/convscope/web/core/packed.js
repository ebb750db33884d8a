// Arrays of whole numbers and floats from the bundle.

import { from_base64, LITTLE_ENDIAN } from "#web/core/bundle.js";

/** @typedef {import("#web/bundle.d.ts").ArrayJson} ArrayJson */

/** Of each dtype, what holds its numbers. */
const KINDS = { int8: Int8Array, uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/**
 * The numbers of an array, row-major.
 * @param {ArrayJson} array
 * @returns {InstanceType<typeof KINDS[keyof typeof KINDS]>}
 * @throws {Error} Its bytes do not fit its shape, or its dtype is unknown.
 */
export function numbers({ dtype, base64, shape }) {
  if (!Object.hasOwn(KINDS, dtype)) throw new Error(`Expected an array of ${Object.keys(KINDS).join(", ")}. Received: ${dtype}.`);
  const kind = KINDS[/** @type {keyof typeof KINDS} */ (dtype)];
  const bytes = from_base64(base64);
  const size = kind.BYTES_PER_ELEMENT;
  const length = shape.reduce((product, side) => product * side, size);
  if (bytes.length !== length) throw new Error(`Expected ${length} bytes in an array. Received: ${bytes.length}.`);
  if (!LITTLE_ENDIAN) for (let at = 0; at < length; at += size) bytes.subarray(at, at + size).reverse();
  return new kind(bytes.buffer);
}
