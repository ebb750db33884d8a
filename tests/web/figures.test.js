import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, interval, many, range, share, spread_labels, ticks } from "#web/core/figures.js";

const ACCURACY = { successes: 9926, n: 10000, rate: 0.9926, low: 0.99072, high: 0.9941 };

test("a share has the decimals that its cases can tell apart", () => {
  assert.equal(share(ACCURACY), "99.26 %");
  assert.equal(share({ ...ACCURACY, n: 60000 }), "99.260 %");
  assert.equal(share({ successes: 3, n: 4, rate: 0.75, low: 0.3, high: 0.954 }), "75.0 %");
});

test("a table may ask for the same decimals everywhere", () => {
  assert.equal(share(ACCURACY, 1), "99.3 %");
  assert.equal(range(ACCURACY, 1), "99.1–99.4");
});

test("an interval names both ends", () => {
  assert.equal(interval(ACCURACY), "99.07 to 99.41 %");
});

test("one image is one image", () => {
  assert.deepEqual([many(1), many(0), many(2000, "file")], ["1 image", "0 images", "2,000 files"]);
});

test("durations are told in the unit that fits", () => {
  assert.deepEqual([0.42, 9.96, 59.6, 185, 7800].map(duration), ["0.4 s", "10 s", "1 min 0 s", "3 min 5 s", "2 h 10 min"]);
});

test("an axis has round numbers inside its range", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0.983, 0.9925), [0.984, 0.986, 0.988, 0.99, 0.992]);
  assert.deepEqual(ticks(0, 12, 4), [0, 5, 10]);
});

test("labels that would cover each other move apart and stay inside", () => {
  assert.deepEqual(spread_labels([50, 52], 10, 0, 100), [50, 60]);
  assert.deepEqual(spread_labels([99, 98], 10, 0, 100), [100, 90]);
  assert.deepEqual(spread_labels([20, 80], 10, 0, 100), [20, 80]);
});
