import assert from "node:assert/strict";
import { test } from "node:test";

import { connected_components } from "#web/core/connected_components.js";
import { center_of_mass, bounding_box } from "#web/core/digit_normalization.js";
import { histogram, otsu } from "#web/core/background_subtraction.js";
import { opening } from "#web/core/morphology.js";
import { nearest, triangle_bands } from "#web/core/resample.js";

/** @type {(rows: number[][]) => {height: number, width: number, channels: number, data: Uint8Array}} */
const gray = (rows) => ({ height: rows.length, width: rows[0].length, channels: 1, data: Uint8Array.from(rows.flat()) });

test("Otsu's threshold is the last level of the darker part", () => {
  assert.equal(otsu(histogram(Uint8Array.from([10, 12, 200, 203]))), 12);
});

test("Otsu's threshold is the lowest of ties, and 0 for a constant picture", () => {
  assert.equal(otsu(histogram(Uint8Array.from([0, 100, 200]))), 0);
  assert.equal(otsu(histogram(Uint8Array.from([9, 9, 9]))), 0);
});

test("the center of mass is counted from 0, and is the middle of a picture that is all 0", () => {
  assert.deepEqual(center_of_mass(gray([[0, 1, 3]])), [0, 1.75]);
  assert.deepEqual(center_of_mass(gray([[0, 0, 0, 0]])), [0, 1.5]);
});

test("the bounding box ends one past the last pixel; an empty picture has none", () => {
  const picture = gray([
    [0, 0, 0, 0],
    [0, 0, 5, 0],
    [0, 7, 0, 0],
  ]);
  assert.deepEqual(bounding_box(picture), { top: 1, bottom: 3, left: 1, right: 3 });
  assert.equal(bounding_box(gray([[0, 0]])), null);
});

test("components are 8-connected and do not wrap around", () => {
  const mask = [1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1];
  assert.deepEqual(connected_components(Uint8Array.from(mask), 4), {
    labels: Int32Array.from([1, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 3]),
    count: 3,
  });
});

test("opening removes what is narrower than the window, up to the edge", () => {
  assert.deepEqual(opening(gray(Array(5).fill([9, 1, 1, 7, 7, 7])), 3).data, gray(Array(5).fill([1, 1, 1, 7, 7, 7])).data);
});

test("ties round up, below 0 too and despite rounding errors", () => {
  assert.deepEqual([2.5, -0.5, 2.49, 0.5 - 1e-9].map(nearest), [3, 0, 2, 1]);
});

test("a triangle's weights sum to 1 and reach one step of the output to each side", () => {
  const { taps, first, weights } = triangle_bands(4, 2);
  const full = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < 2 * taps; i++) full[Math.floor(i / taps) * 4 + first[Math.floor(i / taps)] + (i % taps)] = weights[i];
  const wanted = [3, 3, 1, 0, 0, 1, 3, 3].map((weight) => weight / 7);
  full.forEach((weight, i) => assert.ok(Math.abs(weight - wanted[i]) < 1e-12));
});
