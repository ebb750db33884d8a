import assert from "node:assert/strict";
import { test } from "node:test";
import { spread_labels, ticks } from "#web/core/axis.js";
import { format_duration, format_interval, format_range, format_rate, read_number } from "#web/core/formatting.js";

const ACCURACY = { successes: 9926, n: 10000, rate: 0.9926, low: 0.99072, high: 0.9941 };

test("a rate has its significant decimals", () => {
  assert.equal(format_rate(ACCURACY), "99.26 %");
  assert.equal(format_rate({ ...ACCURACY, n: 60000 }), "99.260 %");
  assert.equal(format_rate({ successes: 3, n: 4, rate: 0.75, low: 0.3, high: 0.954 }), "75.0 %");
});

test("a table may ask for the same decimals everywhere", () => {
  assert.equal(format_rate(ACCURACY, 1), "99.3 %");
  assert.equal(format_range(ACCURACY, 1), "99.1–99.4");
});

test("a typed number may have a comma, and thousands apart as the page prints them in both languages", () => {
  const given = ["0,25", "0.25", "9,216", "9\u202f216", " 9216 ", "−0,5", "1,234,567"];
  assert.deepEqual(given.map(read_number), [0.25, 0.25, 9216, 9216, 9216, -0.5, 1234567]);
  assert.ok(["", " ", "abc", "1,2,3"].every((text) => Number.isNaN(read_number(text))));
});

test("an interval names both ends", () => {
  assert.equal(format_interval(ACCURACY), "99.07 to 99.41 %");
});

test("durations use a suitable unit", () => {
  assert.deepEqual([0.42, 9.96, 59.6, 185, 7800].map(format_duration), ["0.4 s", "10 s", "1 min 0 s", "3 min 5 s", "2 h 10 min"]);
});

test("an axis has round numbers inside its range", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0.983, 0.9925), [0.984, 0.986, 0.988, 0.99, 0.992]);
  assert.deepEqual(ticks(0, 12, 4), [0, 5, 10]);
});

test("overlapping labels move apart and stay inside", () => {
  assert.deepEqual(spread_labels([50, 52], 10, 0, 100), [50, 60]);
  assert.deepEqual(spread_labels([99, 98], 10, 0, 100), [100, 90]);
  assert.deepEqual(spread_labels([20, 80], 10, 0, 100), [20, 80]);
});
