// Arrays of whole numbers and floats from the bundle.

/** @typedef {import("#web/bundle.d.ts").ArrayJson} ArrayJson */

/** @type {Record<string, [number, (view: DataView, at: number) => number]>} bytes of a number, and how to read it */
const KINDS = {
  int8: [1, (view, at) => view.getInt8(at)],
  uint8: [1, (view, at) => view.getUint8(at)],
  uint16: [2, (view, at) => view.getUint16(at, true)],
  uint32: [4, (view, at) => view.getUint32(at, true)],
  float32: [4, (view, at) => view.getFloat32(at, true)],
};

/**
 * The numbers of an array, row-major.
 * @param {ArrayJson} array
 * @returns {number[]}
 * @throws {Error} Its bytes do not fit its shape, or its dtype is unknown.
 */
export function numbers(array) {
  if (!Object.hasOwn(KINDS, array.dtype)) throw new Error(`Expected an array of ${Object.keys(KINDS).join(", ")}. Received: ${array.dtype}.`);
  const [size, read] = KINDS[array.dtype];
  const text = atob(array.base64);
  const length = array.shape.reduce((product, side) => product * side, 1);
  if (text.length !== length * size) throw new Error(`Expected ${length * size} bytes in an array. Received: ${text.length}.`);
  const view = new DataView(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
  return Array.from({ length }, (_, at) => read(view, at * size));
}
