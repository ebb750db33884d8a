import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { random_kernel, random_pixels } from "#web/core/seeded_random.js";
import { output_size, padding_split } from "#web/core/conv_arithmetic.js";
import { write_hash } from "#web/core/fields.js";
import { check_shapes } from "#web/core/shape_check.js";
import { fields_of, parse_hyperparameters } from "#web/core/hyperparameter_state.js";
import { format_number } from "#web/core/number_format.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { read_settings } from "#web/core/settings.js";
import { KINDS, compute_window, nearest, terms_at } from "#web/core/sliding_window.js";
import { equation_text } from "#web/core/equation.js";

await load_kinds(Object.values(KINDS));

/** Windows placed one by one; outputs of TensorFlow; Python's shape problems. */
const CASES = JSON.parse(readFileSync(new URL("../cases/sliding.json", import.meta.url), "utf8"));

/** @param {any} given */
const settings_of = (given) => read_settings(JSON.stringify(given));

/** @param {any} given @param {string} [hash] */
function slid(given, hash = "") {
  const settings = settings_of(given);
  return compute_window(settings, parse_hyperparameters(fields_of(settings), hash));
}

/** The numbers of a tensor as nested lists. @param {import("#web/core/network.js").Tensor|null} tensor */
function lists(tensor) {
  assert.ok(tensor);
  const [rows, columns, filters] = tensor.shape;
  return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) =>
    Array.from(tensor.data.subarray((r * columns + c) * filters, (r * columns + c + 1) * filters), (value) => Number(value.toFixed(6)))));
}

test("all paddings match windows placed one by one", () => {
  for (const { size, kernel_size, before, after, output_size: expected, ...axis } of CASES.axes) {
    assert.equal(Math.max(0, output_size(size, kernel_size, axis)), expected, JSON.stringify({ size, kernel_size, ...axis }));
    if (expected) assert.deepEqual(padding_split(size, kernel_size, axis), [before, after]);
  }
});

test("every output equals TensorFlow's, every caption Python's", () => {
  for (const { output, caption, ...given } of CASES.slides) {
    const made = slid(given);
    assert.equal(made.problem, null);
    assert.equal(made.caption, caption);
    assert.deepEqual(lists(made.output), output, caption);
  }
});

test("each value is the sum of its products, as its equation states", () => {
  for (const given of CASES.slides) {
    const made = slid(given);
    given.output.forEach((/** @type {number[][]} */ line, /** @type {number} */ r) => line.forEach((numbers, c) => numbers.forEach((value, f) => {
      const found = terms_at(made, r, c, f);
      if (found.kind === "convolution") assert.equal(found.sum, value, made.caption);
      assert.ok(Math.abs(evaluated(equation_text(found)) - value) < 0.006, equation_text(found));
    })));
  }
});

/** What a sum in words comes to, read as a person would. @param {string} words */
function evaluated(words) {
  const [left] = words.split(" = ");
  const plain = left.replaceAll("×", "*").replaceAll("−", "-").replace("max", "Math.max");
  return Function(`return ${plain}`)();
}

test("shape problems have the same text as in Python", () => {
  for (const { sentence, hint, input_size: size, operation, ...given } of CASES.impossible) {
    const pools = operation !== "conv";
    const groups = pools ? given.channels : given.groups;
    const found = check_shapes(given, { ...given, filters: pools ? given.channels : given.filters, groups, size, pools });
    assert.equal(found?.sentence, sentence);
    assert.equal(found?.hint, hint);
    assert.equal(found?.letter, sentence[0]);
  }
});

const TUTORIAL = CASES.slides[0];

test("the formula has its numbers filled in", () => {
  assert.equal(slid(TUTORIAL).formulas[0], "⌊(9 + 0 + 0 − 1×(3 − 1) − 1) / 1⌋ + 1 = 7");
  const other = slid(TUTORIAL, "#rows=8&columns=3&kernel_columns=5&stride_rows=2&dilation_rows=2&padding=number&padding_rows=1&padding_columns=0");
  assert.deepEqual(other.formulas, ["⌊(8 + 1 + 1 − 2×(3 − 1) − 1) / 2⌋ + 1 = 3", "⌊(3 + 0 + 0 − 1×(5 − 1) − 1) / 1⌋ + 1 = −1"]);
  assert.equal(other.output, null);
  assert.match(other.caption, /^input \(1, 8, 3\) · no output · K \(3, 5\)/);
});

test("groups that do not divide are a shape problem without a kernel", () => {
  const made = slid(TUTORIAL, "#channels=3&groups=2");
  assert.equal(made.kernel, null);
  assert.equal(made.output, null);
  assert.match(made.problem?.hint ?? "", /G 1\.$/);
});

test("the given values are shown until a hyperparameter changes their shape", () => {
  const pixels = (/** @type {string} */ hash) => [...slid(TUTORIAL, hash).input.data];
  const given = TUTORIAL.pixels.flat(2);
  assert.deepEqual(pixels("#kernel_rows=2&stride_rows=3"), given);
  assert.notDeepEqual(pixels("#seed=1"), given);
  assert.notDeepEqual(pixels("#rows=8"), given.slice(0, 72));
  assert.deepEqual([...(slid(TUTORIAL, "#rows=8").kernel?.data ?? [])], TUTORIAL.kernel.flat(3));
});

test("a bias is added while there is one for each filter", () => {
  const made = slid({ ...TUTORIAL, bias: [-2.5] });
  assert.equal(made.output?.data[0], TUTORIAL.output[0][0][0] - 2.5);
  assert.match(equation_text(terms_at(made, 0, 0, 0)), / − 2\.5 \(bias\) = /);
  assert.equal(slid({ ...TUTORIAL, bias: [1] }, "#filters=2").bias, null);
});

test("random values are small integers, reproducible, and kept when the grid grows", () => {
  const small = random_pixels([4, 5, 2], 3);
  const large = random_pixels([6, 7, 2], 3);
  assert.deepEqual([...random_pixels([4, 5, 2], 3).data], [...small.data]);
  assert.equal(large.data[(3 * 7 + 4) * 2 + 1], small.data[(3 * 5 + 4) * 2 + 1]);
  const many = random_pixels([64, 64, 1], 0).data;
  const kernel = random_kernel([16, 16, 4, 4], 0).data;
  assert.deepEqual([...new Set(many)].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual([...new Set(kernel)].sort((a, b) => a - b), [-2, -1, 0, 1, 2]);
  const counts = Array.from({ length: 10 }, (_, n) => many.filter((value) => value === n).length);
  assert.ok(Math.min(...counts) > 300 && Math.max(...counts) < 520, counts.join());
  assert.notDeepEqual([...random_pixels([4, 5, 2], 4).data], [...small.data]);
});

test("the window nearest to a pixel is the one whose middle is nearest, and never beyond the last", () => {
  const { layer } = slid(TUTORIAL, "#padding=same&stride_rows=2&dilation_columns=2&kernel_columns=2");
  // windows of three rows begin at -1 or 0, two apart; windows of two columns, two apart, have their middle on a pixel
  const [top] = padding_split(9, 3, { strides: 2, padding: "same" });
  for (let row = 0; row < layer.output_shape[0]; row += 1) assert.equal(nearest(layer, 0, row * 2 - top + 1), row);
  assert.deepEqual([nearest(layer, 0, -9), nearest(layer, 0, 99)], [0, layer.output_shape[0] - 1]);
});

test("long sums omit their middle and give the number of products", () => {
  const words = equation_text(terms_at(slid(TUTORIAL, "#kernel_rows=7&kernel_columns=7&channels=2"), 0, 0, 0));
  assert.equal(words.split("×").length - 1, 49);
  assert.match(words, / \+ … \+ .* \(98 products\)$/);
});

test("numbers are short", () => {
  const values = [7, -0.5, 3.14159, -1234567, 0.0004, 0, -3, 99999, 100000, 0.1 + 0.2, 254.6, 12.001];
  assert.deepEqual(values.map(format_number), ["7", "−0.5", "3.14", "−1.2e6", "4e-4", "0", "−3", "99999", "1e5", "0.3", "255", "12"]);
});

test("hyperparameters round-trip through the hash and are bounded by their sliders", () => {
  const fields = fields_of(settings_of(TUTORIAL));
  assert.equal(write_hash(fields, /** @type {any} */ (parse_hyperparameters(fields, ""))), "");
  const hash = "#rows=12&kernel_columns=7&padding_rows=6&channels=4&operation=max&padding=same&groups=2&seed=5&linked=no&numbers=off&row=3";
  const state = parse_hyperparameters(fields, hash);
  assert.deepEqual([state.rows, state.columns, state.operation, state.seed, state.row], [12, 9, "max", 5, 3]);
  assert.deepEqual(parse_hyperparameters(fields, write_hash(fields, /** @type {any} */ (state))), state);
  const wild = parse_hyperparameters(fields, "#rows=33&columns=0&kernel_rows=8&groups=9&stride_rows=x&operation=median&row=-1");
  assert.deepEqual(wild, parse_hyperparameters(fields, ""));
});

test("given values may exceed a slider's range", () => {
  const pixels = Array.from({ length: 40 }, () => Array.from({ length: 40 }, () => [1]));
  const large = { ...TUTORIAL, input_size: [40, 40], pixels };
  assert.equal(slid(large).output?.shape[0], 38);
  assert.equal(slid(large, "#rows=39").output?.shape[0], 37);
  assert.equal(slid(large, "#rows=41").output?.shape[0], 38);
});

test("damaged settings are refused", () => {
  assert.throws(() => read_settings("{"), /its data is not valid JSON/);
  assert.throws(() => settings_of({ ...TUTORIAL, padding: "full" }), /Received: padding="full"\./);
  assert.throws(() => settings_of({ ...TUTORIAL, pixels: [[[1]]] }), /Received: pixels=/);
  assert.throws(() => settings_of({ ...TUTORIAL, kernel: null }), /Received: kernel=null\./);
  assert.throws(() => settings_of({}), /Received: operation=nothing\./);
});
