// Small random integers that depend only on seed and position: a grid that grows keeps its values.

/** @typedef {import("#web/core/network.js").Tensor} Tensor */

const PIXELS = { low: 0, high: 9 };
const WEIGHTS = { low: -2, high: 2 };

/**
 * @param {number[]} shape rows, columns, channels
 * @param {number} seed
 * @returns {Tensor} integers 0..9
 */
export function random_pixels(shape, seed) {
  return drawn(shape, 2 * seed, PIXELS);
}

/**
 * @param {number[]} shape rows, columns, channels of a group, filters
 * @param {number} seed
 * @returns {Tensor} integers -2..2
 */
export function random_kernel(shape, seed) {
  return drawn(shape, 2 * seed + 1, WEIGHTS);
}

/** @param {number[]} shape @param {number} seed @param {{low: number, high: number}} range @returns {Tensor} */
function drawn(shape, seed, { low, high }) {
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
  const place = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = low + Math.floor(uniform(seed, place) * (high - low + 1));
    for (let axis = shape.length - 1; axis >= 0 && ++place[axis] === shape[axis]; axis--) place[axis] = 0;
  }
  return { shape: [...shape], data };
}

/** A hash of seed and position as 0 ≤ x < 1. @param {number} seed @param {number[]} place */
function uniform(seed, place) {
  let state = 0x9e3779b9;
  for (const part of [seed, ...place]) {
    state = Math.imul(state ^ (part + 0x7f4a7c15), 0x2545f491);
    state = Math.imul(state ^ (state >>> 15), 0x85ebca6b);
    state ^= state >>> 13;
  }
  return (state >>> 0) / 2 ** 32;
}
