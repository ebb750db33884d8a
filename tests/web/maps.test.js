// What a small cell shows of a large map.

import assert from "node:assert/strict";
import { test } from "node:test";

import { reader } from "#web/core/map_pixels.js";
import { color_table, STEPS } from "#web/core/scale.js";

const TABLE = color_table(false);

/** The color of one block. @param {import("#web/core/map_pixels.js").Reader} read @param {number} cell @param {number} row @param {number} column @param {number} end_row @param {number} end_column */
function color(read, cell, row, column, end_row, end_column) {
  const out = new Uint32Array(3);
  read.row(out, 1, cell, [row, end_row], Int32Array.from([column, end_column]));
  assert.deepEqual([out[0], out[2]], [0, 0]);
  return out[1];
}

test("a map that is larger than its cell keeps its strongest values, also between the points that a sample would take", () => {
  const data = new Float32Array(8 * 8 * 2);
  data[(3 * 8 + 5) * 2 + 1] = -4; // map 1, row 3, column 5
  data[(6 * 8 + 1) * 2 + 1] = 2;
  const read = reader({ tensor: { shape: [8, 8, 2], data }, shape: [8, 8, 2] }, 1, TABLE);
  assert.deepEqual([read.height, read.width], [8, 8]);
  assert.equal(color(read, 1, 2, 4, 4, 6), TABLE[0]);
  assert.equal(color(read, 1, 6, 0, 8, 2), TABLE[STEPS + Math.round(STEPS / 2)]);
  assert.equal(color(read, 1, 0, 0, 2, 2), TABLE[STEPS]);
  assert.equal(color(read, 0, 2, 4, 4, 6), TABLE[STEPS]); // the other map
  assert.equal(color(read, 1, 3, 5, 4, 6), TABLE[0]); // one pixel
});

test("an image in a small cell has the mean of its pixels, in each color", () => {
  const bytes = Uint8Array.from([10, 0, 200, 30, 0, 100, 20, 0, 0, 40, 0, 100]); // 2×2 RGB
  const read = reader({ tensor: null, bytes, shape: [2, 2, 3] }, 1, TABLE);
  assert.equal(color(read, 0, 0, 0, 2, 2) >>> 0, ((255 << 24) | (100 << 16) | (0 << 8) | 25) >>> 0);
  assert.equal(color(read, 0, 1, 1, 2, 2) >>> 0, ((255 << 24) | (100 << 16) | (0 << 8) | 40) >>> 0);
});

test("a cell of a long vector shows the value of largest magnitude", () => {
  const read = reader({ tensor: { shape: [6], data: Float32Array.from([1, -2, 0, 0, 1, 1]) }, shape: [6] }, 3, TABLE);
  assert.deepEqual([color(read, 0, 0, 0, 1, 1), color(read, 1, 0, 0, 1, 1)], [TABLE[0], TABLE[STEPS + Math.round(STEPS / 2)]]);
});
