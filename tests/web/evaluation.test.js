import assert from "node:assert/strict";
import { test } from "node:test";
import {
  count_pairs, images_of_cell, mistakes, most_confused, next_cell, read_cell, sort_scores, worst_rate,
} from "#web/core/evaluation.js";

/** @param {number} label @param {number} predicted @param {number} probability @param {boolean} [gallery] */
const entry = (label, predicted, probability, gallery = true) =>
  ({ index: 0, name: "", label, predicted, probability, known_wrong: false, gallery });

const ENTRIES = [
  entry(0, 0, 0.6), entry(0, 1, 0.7), entry(0, 0, 0.9), entry(1, 1, 0.8), entry(0, 1, 0.95, false), entry(1, 0, 0.8, false),
  entry(0, 1, 0.7, false),
];
const CONFUSION = [[5, 1, 0, 0], [0, 9, 0, 1], [0, 0, 8, 0], [3, 0, 0, 7]];

test("a cell is read as true class and predicted class", () => {
  assert.deepEqual(read_cell("4-9", 10), { truth: 4, predicted: 9 });
});

test("a cell outside the matrix is ignored", () => {
  for (const text of ["", "4", "10-0", "0-10", "-1-2", "a-b"]) assert.equal(read_cell(text, 10), null, text);
});

test("a wrong cell has its mistakes, sorted by confidence, ties in order", () => {
  assert.deepEqual(images_of_cell(ENTRIES, { truth: 0, predicted: 1 }), [4, 1, 6]);
});

test("a correct cell has the gallery's images in order", () => {
  assert.deepEqual(images_of_cell([...ENTRIES, entry(0, 0, 1, false)], { truth: 0, predicted: 0 }), [0, 2]);
});

test("all mistakes are sorted by confidence", () => {
  assert.deepEqual(mistakes(ENTRIES), [4, 5, 1, 6]);
});

test("the most confused classes count mistakes in both roles and stay in label order", () => {
  assert.deepEqual(most_confused(CONFUSION, 2), [0, 3]);
  assert.deepEqual(most_confused(CONFUSION, 1), [0]);
  assert.deepEqual(most_confused(CONFUSION, 40), [0, 1, 2, 3]);
});

test("the worst rate is a fraction of the true class", () => {
  assert.equal(worst_rate(CONFUSION), 0.3);
  assert.equal(worst_rate([[4, 0], [0, 0]]), 0);
});

test("pairs of two classes without images are not counted", () => {
  assert.equal(count_pairs(CONFUSION), 6);
  assert.equal(count_pairs([[1, 0, 0], [0, 0, 0], [0, 0, 0]]), 2);
});

test("arrow keys move to the next nonempty cell", () => {
  const cells = [[0, 0], [0, 3], [1, 1], [2, 0], [3, 3]].map(([truth, predicted]) => ({ truth, predicted }));
  const go = (/** @type {number} */ from, /** @type {string} */ key) => cells.findIndex((c) => c === next_cell(cells, cells[from], key));
  assert.deepEqual([go(0, "ArrowRight"), go(1, "ArrowRight"), go(1, "ArrowLeft")], [1, 2, 0]);
  assert.deepEqual([go(0, "ArrowDown"), go(3, "ArrowUp"), go(1, "ArrowDown")], [3, 0, 4]);
  assert.deepEqual([go(1, "Home"), go(0, "End")], [0, 1]);
  assert.deepEqual([go(0, "ArrowLeft"), go(4, "ArrowRight"), go(0, "x")], [-1, -1, -1]);
});

test("the right arrow alone reaches every cell", () => {
  const cells = [[1, 0], [0, 1]].map(([truth, predicted]) => ({ truth, predicted }));
  assert.deepEqual(next_cell(cells, cells[1], "ArrowRight"), cells[0]);
});

test("scores are sorted by rate, ties in label order, undefined ones last", () => {
  const proportion = (/** @type {number} */ rate) => ({ successes: 0, n: 1, rate, low: 0, high: 1 });
  const score = (/** @type {number|null} */ rate) =>
    ({ name: "c", support: 1, predicted: 1, correct: 1, precision: null, recall: rate === null ? null : proportion(rate), f1: rate });
  const scores = [score(0.5), score(null), score(0.9), score(0.5)];
  assert.deepEqual(sort_scores(scores, "recall", false), [0, 3, 2, 1]);
  assert.deepEqual(sort_scores(scores, "f1", true), [2, 0, 3, 1]);
  assert.deepEqual(sort_scores(scores, "name", true), [3, 2, 1, 0]);
});
