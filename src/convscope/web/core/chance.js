// Small whole numbers by chance, always the same for the same place: a grid that grows keeps the numbers it had.

/** @typedef {import("#web/core/network.js").Tensor} Tensor */

const PIXELS = { low: 0, high: 9 };
const WEIGHTS = { low: -2, high: 2 };

/**
 * @param {number[]} shape rows, columns, channels
 * @param {number} seed
 * @returns {Tensor} whole numbers 0..9
 */
export function pixels_by_chance(shape, seed) {
  return drawn(shape, 2 * seed, PIXELS);
}

/**
 * @param {number[]} shape rows, columns, channels of a group, filters
 * @param {number} seed
 * @returns {Tensor} whole numbers -2..2
 */
export function kernel_by_chance(shape, seed) {
  return drawn(shape, 2 * seed + 1, WEIGHTS);
}

/** @param {number[]} shape @param {number} seed @param {{low: number, high: number}} range @returns {Tensor} */
function drawn(shape, seed, { low, high }) {
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
  const place = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = low + Math.floor(share(seed, place) * (high - low + 1));
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis] === shape[axis]; axis--) place[axis] = 0;
  }
  return { shape: [...shape], data };
}

/** A share 0 ≤ x < 1 of a seed and a place: each number is stirred in by a product that overflows. @param {number} seed @param {number[]} place */
function share(seed, place) {
  let state = 0x9e3779b9;
  for (const part of [seed, ...place]) {
    state = Math.imul(state ^ (part + 0x7f4a7c15), 0x2545f491);
    state = Math.imul(state ^ (state >>> 15), 0x85ebca6b);
    state ^= state >>> 13;
  }
  return (state >>> 0) / 2 ** 32;
}
