// The pen: strokes on the pad to the network's input, and to a link.

import assert from "node:assert/strict";
import { test } from "node:test";

import { is_normalized, bounding_box, center_of_mass } from "#web/core/digit_normalization.js";
import { decode_drawing, decode_strokes, encode_strokes } from "#web/core/drawing_code.js";
import { coverage } from "#web/core/raster.js";
import { MAX_POINTS, extend, pad_size, render } from "#web/core/strokes.js";

/** @type {import("#web/core/contract.js").Contract} */
const DIGITS = { height: 28, width: 28, channels: 1, fit: "mnist", polarity: "auto", background: 0 };
/** @type {import("#web/core/contract.js").Contract} */
const LETTERS = { height: 16, width: 48, channels: 1, fit: "stretch", polarity: "as_is", background: 0 };
const SQUARE = pad_size(DIGITS);

/** A circle's ring as 64 points. @param {number} x @param {number} y @param {number} radius */
const ring = (x, y, radius) => Array.from({ length: 65 }, (_, i) => [x + radius * Math.cos(i / 10.2), y + radius * Math.sin(i / 10.2)].map(Math.round)).flat();

/** @param {Uint8Array} data */
const picture = (data) => ({ height: 28, width: 28, channels: 1, data });

test("a pixel is covered as far as the pen reaches over it, compared with 32 samples a side", () => {
  const lines = [[2.3, 2.1, 7.9, 5.2, 6.1, 8.4], [8.5, 1.5]];
  const [size, pen, samples] = [10, 2.4, 32];
  const shown = coverage(lines, size, size, pen);
  const segments = [[2.3, 2.1, 7.9, 5.2], [7.9, 5.2, 6.1, 8.4], [8.5, 1.5, 8.5, 1.5]];
  const near = (/** @type {number} */ x, /** @type {number} */ y) => segments.some(([x0, y0, x1, y1]) => {
    for (let t = 0; t <= 1; t += 1 / 64) if (Math.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)) <= pen / 2) return true;
    return false;
  });
  for (let pixel = 0; pixel < size * size; pixel++) {
    let inside = 0;
    for (let s = 0; s < samples * samples; s++) {
      inside += Number(near((pixel % size) + ((s % samples) + 0.5) / samples, Math.floor(pixel / size) + (Math.floor(s / samples) + 0.5) / samples));
    }
    assert.ok(Math.abs(inside / samples ** 2 - shown[pixel]) < 0.17, `pixel ${pixel}: ${inside / samples ** 2} and ${shown[pixel]}`);
  }
});

test("a digit is framed as MNIST frames it, wherever and however small it was drawn", () => {
  const drawings = [[ring(500, 500, 300)], [ring(900, 100, 45)], [[500, 100, 480, 900]], [[100, 500, 800, 560]], [[20, 20, 30, 200], [25, 100, 90, 100]]];
  for (const strokes of drawings) {
    const pixels = picture(render(strokes, DIGITS));
    assert.ok(is_normalized(pixels, 28, 28), JSON.stringify({ box: bounding_box(pixels), mass: center_of_mass(pixels) }));
    assert.equal(Math.max(...pixels.data), 255);
  }
});

test("the pen is as wide in a tiny digit as in a large one", () => {
  const [large, tiny] = [ring(500, 500, 400), ring(800, 300, 40)].map((stroke) => render([stroke], DIGITS));
  const mass = (/** @type {Uint8Array} */ data) => data.reduce((sum, level) => sum + level, 0);
  assert.ok(Math.abs(mass(large) / mass(tiny) - 1) < 0.05);
});

test("an upright line is as heavy per row as in MNIST, where half of the ones have 2.1 to 3.1 pixels", () => {
  const pixels = render([[512, 100, 512, 900]], DIGITS);
  const row = pixels.subarray(14 * 28, 15 * 28).reduce((sum, level) => sum + level / 255, 0);
  assert.ok(row > 2.1 && row < 3.1, String(row));
});

test("a dot stays a dot, and nothing is nothing", () => {
  const dot = bounding_box(picture(render([[300, 700]], DIGITS)));
  assert.ok(dot && dot.bottom - dot.top <= 4 && dot.right - dot.left <= 4);
  assert.ok(render([], DIGITS).every((level) => level === 0));
});

test("images that are not framed as digits show the pad as it is, on their own paper", () => {
  assert.deepEqual(pad_size(LETTERS), { width: 1024, height: 341 });
  const [light, dark] = [0, 255].map((paper) => render([[32, 0, 32, 341]], LETTERS, paper));
  assert.equal(light.length, 16 * 48);
  for (let row = 0; row < 16; row++) assert.ok(light[row * 48 + 1] === 255 && light[row * 48 + 4] === 0);
  assert.deepEqual(dark, light.map((level) => 255 - level));
});

test("a stroke that leaves the pad is cut at its edge, and goes on where it comes back", () => {
  /** @type {number[][]} */
  const strokes = [];
  const way = [[512, 900], [512, 1100], [700, 1200], [700, 900], [700, 800]].map(([x, y]) => ({ x, y }));
  way.forEach((to, i) => extend(strokes, i ? way[i - 1] : null, to, SQUARE));
  assert.deepEqual(strokes, [[512, 900, 512, 1024], [700, 1024, 700, 900, 700, 800]]);
  extend(strokes, { x: -50, y: 500 }, { x: 1100, y: 500 }, SQUARE); // right across, between two events
  extend(strokes, { x: -50, y: 500 }, { x: -50, y: 900 }, SQUARE);
  assert.deepEqual(strokes.slice(2), [[0, 500, 1024, 500]]);
});

test("endless scribbling stays bounded", () => {
  /** @type {number[][]} */
  const strokes = [];
  for (let i = 0; i < MAX_POINTS + 500; i++) extend(strokes, i ? { x: ((i - 1) * 50) % 1000, y: 500 } : null, { x: (i * 50) % 1000, y: 500 }, SQUARE);
  assert.ok(strokes[0].length / 2 <= MAX_POINTS + 1);
  assert.deepEqual(decode_strokes(encode_strokes(strokes)), strokes);
});

test("strokes round-trip through their text, which older pages read as no picture", () => {
  const strokes = [ring(500, 500, 300), [0, 0], [1024, 1024, 0, 1024]];
  const word = encode_strokes(strokes);
  assert.match(word, /^d[\w-]+$/);
  assert.deepEqual(decode_strokes(word), strokes);
  assert.equal(decode_drawing(word, 784), null);
  assert.deepEqual(decode_strokes(encode_strokes([])), []);
});

test("an edited text is no drawing", () => {
  const word = encode_strokes([[10, 20, 30, 40]]);
  for (const bad of ["d", "dAAA", "d*", word.slice(0, -2), `${word}__`, "dAAAB_____w8", "dp0"]) assert.equal(decode_strokes(bad), null, bad);
});
