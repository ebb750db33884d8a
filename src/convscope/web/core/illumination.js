// Very uneven illumination: a quadratic surface is fitted to the paper and divided out.

import { histogram } from "#web/core/background_subtraction.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */
/** @typedef {[number, number, number]} Sample column and row of a block, -7..7, and its median */

/** Blocks along each side. */
const GRID = 8;

/** Blocks to which the brightness is fitted. */
const MIN_BLOCKS = 12;

/** Illumination is divided out if its maximum is more than this times its minimum. */
const UNEVEN = 1.5;

/**
 * Divide out the illumination if it is very uneven. Python's `even_out` says why twice.
 * @param {Picture} gray h×w×1
 * @param {Uint8Array} region h×w, 0 or 1
 * @returns {Picture} the picture itself where it is even
 */
export function even_out(gray, region) {
  const once = divide_out(gray, region, UNEVEN);
  return once === gray ? gray : divide_out(once, region, 1);
}

/**
 * @param {Picture} gray h×w×1
 * @param {Uint8Array} region h×w, 0 or 1
 * @param {number} uneven unchanged is a picture whose surface has a maximum of up to this times its minimum
 * @returns {Picture}
 */
function divide_out(gray, region, uneven) {
  const { height: h, width: w, data } = gray;
  const drawn = histogram(data)[0] * 2 >= data.length;
  const samples = drawn || Math.min(h, w) < 2 * GRID ? [] : block_levels(gray, region);
  if (samples.length < MIN_BLOCKS) return gray;
  let surface = fit(samples);
  for (let round = 0; round < 4; round++) {
    const kept = samples.filter(([u, v, level]) => {
      const expected = surface_at(surface, u, v);
      return 0.8 * expected <= level && level <= 1.25 * expected;
    });
    if (kept.length < MIN_BLOCKS || kept.length * 2 < samples.length) return gray;
    surface = fit(kept);
  }
  const values = new Float64Array(data.length);
  let [high, low] = [-Infinity, Infinity];
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      values[i] = Math.floor(surface_at(surface, ((2 * x + 1 - w) * GRID) / w, ((2 * y + 1 - h) * GRID) / h) + 0.5);
      if (region[i]) [high, low] = [Math.max(high, values[i]), Math.min(low, values[i])];
    }
  }
  if (high <= uneven * Math.max(low, 1)) return gray;
  const top = Math.min(high, 255);
  const least = Math.max(1, Math.floor(top / 12));
  return { ...gray, data: data.map((level, i) => Math.min(255, Math.floor((level * top) / Math.max(values[i], least)))) };
}

/** @param {Picture} gray @param {Uint8Array} region @returns {Sample[]} blocks that lie mostly in the region */
function block_levels({ height: h, width: w, data }, region) {
  /** @type {Sample[]} */
  const found = [];
  for (let i = 0; i < GRID; i++) {
    const [top, bottom] = [Math.floor((i * h) / GRID), Math.floor(((i + 1) * h) / GRID)];
    for (let j = 0; j < GRID; j++) {
      const [left, right] = [Math.floor((j * w) / GRID), Math.floor(((j + 1) * w) / GRID)];
      const levels = [];
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) if (region[y * w + x]) levels.push(data[y * w + x]);
      }
      if (levels.length * 2 < (bottom - top) * (right - left)) continue;
      const sorted = Uint8Array.from(levels).sort();
      found.push([2 * j + 1 - GRID, 2 * i + 1 - GRID, sorted[Math.floor((sorted.length - 1) / 2)]]);
    }
  }
  return found;
}

/** Least squares by the normal equations, whose sums are exact. @param {Sample[]} samples */
function fit(samples) {
  const rows = Array.from({ length: 6 }, () => new Float64Array(7));
  for (const [u, v, level] of samples) {
    const terms = [1, u, v, u * u, u * v, v * v];
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 6; j++) rows[i][j] += terms[i] * terms[j];
      rows[i][6] += terms[i] * level;
    }
  }
  return solve(rows);
}

/** @param {number[]} surface @param {number} u @param {number} v */
function surface_at([a, b, c, d, e, f], u, v) {
  return a + b * u + c * v + d * (u * u) + e * (u * v) + f * (v * v);
}

/**
 * Gaussian elimination with pivoting.
 * @param {Float64Array[]} rows each the coefficients and the right side; overwritten
 * @returns {number[]} a free unknown is 0
 */
export function solve(rows) {
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column; row < n; row++) if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    if (rows[column][column] === 0) continue;
    for (let row = column + 1; row < n; row++) {
      const factor = rows[row][column] / rows[column][column];
      for (let k = column; k <= n; k++) rows[row][k] -= factor * rows[column][k];
    }
  }
  const out = Array(n).fill(0);
  for (let row = n - 1; row >= 0; row--) {
    let value = rows[row][n];
    for (let k = row + 1; k < n; k++) value -= rows[row][k] * out[k];
    out[row] = rows[row][row] ? value / rows[row][row] : 0;
  }
  return out;
}
