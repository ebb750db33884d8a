import assert from "node:assert/strict";
import { test } from "node:test";
import { call_text } from "#web/core/architecture.js";
import { claim_verdict } from "#web/core/claim.js";
import { picture_title } from "#web/core/captions.js";
import { curves, curves_in_words, span, unequal_terms } from "#web/core/history.js";
import { gaps, inhabited } from "#web/core/reliability.js";
import { data_lines, machine_lines, preprocessing_steps, training_lines } from "#web/core/story.js";
import { verdict_words } from "#web/core/verdict.js";

const OPTIONS = {
  epochs: 1, batch_size: 256, optimizer: "muon", learning_rate: 0.02, muon_learning_rate: 0.2, warmup: 0.2,
  label_smoothing: 0.1, weight_decay: 0, average: 0, shift: 2, rotate: 9, zoom: 0, shear: 0, whiten: true, seed: 7,
};
const proportion = (/** @type {number} */ rate, low = rate) => ({ successes: 0, n: 10, rate, low, high: 1 });

test("the options of a training are told in words, and what is off is not told", () => {
  const lines = new Map(training_lines({ options: OPTIONS, outcome: "stopped", seconds: { train: 4 } }));
  assert.equal(lines.get("Length"), "1 epoch: each image was seen once, 256 images a step (stopped)");
  assert.equal(lines.get("Random changes of the pictures"), "shifted by up to 2 pixels, rotated by up to 9°");
  assert.equal(lines.get("Label smoothing"), "10 % of each target spread over all classes");
  assert.equal(lines.has("Weight decay"), false);
  assert.equal(lines.get("Seed"), "7");
  assert.equal(lines.get("Time"), "4.0 s of training");
});

test("an option of a later version is told by its name", () => {
  assert.deepEqual(training_lines({ options: { mixup: 0.2 } }), [["mixup", "0.2"]]);
});

test("a record that lacks everything is told in no lines", () => {
  assert.deepEqual([training_lines({}), data_lines({}), machine_lines({})], [[], [], []]);
});

test("the data are told with their sizes, without parts that are empty", () => {
  const lines = new Map(data_lines({ source: "MNIST train", train: 54999, validation: 5001, test: 0, skipped: [{}] }));
  assert.equal(lines.get("Images"), "54,999 to learn from, 5,001 for validation");
  assert.equal(lines.get("Left out"), "1 file that could not be read");
});

test("preprocessing is told in the order in which it happens, without steps that do nothing", () => {
  const steps = preprocessing_steps({ height: 32, width: 48, channels: 3, fit: "pad", polarity: "as_is", background: 255 });
  assert.equal(steps.length, 4);
  assert.match(steps[0], /white/);
  assert.match(steps[2], /fit into 32×48 pixels/);
});

test("a layer's arguments are told in one order, where they are not Keras's own", () => {
  const row = {
    name: "conv2d", kind: "Conv2D", input_shape: [], output_shape: [], parameters: 0, multiply_adds: 0, receptive_field: null,
    config: { activation: "relu", filters: 32, kernel_size: [5, 5], strides: [2, 2], padding: "same", dilation_rate: [1, 1], groups: 1, use_bias: false, kernel_initializer: "x" },
  };
  assert.equal(call_text(row), "32 filters, kernel_size 5×5, strides 2×2, padding same, activation relu, use_bias false");
  assert.equal(call_text({ ...row, config: { pool_size: [2, 2], strides: [2, 2], padding: "valid" } }), "pool_size 2×2");
});

test("the claim holds, holds in part, or cannot be shown", () => {
  const pair = (/** @type {boolean} */ distinguishable) =>
    /** @type {any} */ ({ first_name: "4", second_name: "9", distinguishable });
  assert.match(claim_verdict([pair(true), pair(true)]), /that holds:/);
  assert.match(claim_verdict([pair(true), pair(false)]), /in part: only \(4, 9\) stands/);
  assert.match(claim_verdict([pair(false)]), /cannot be shown/);
});

test("a run without mistakes is doubted, not praised", () => {
  assert.match(verdict_words({ successes: 10, n: 10, rate: 1, low: 0.7, high: 1 }, "test")[0], /rarely the truth/);
  assert.match(verdict_words({ successes: 9926, n: 10000, rate: 0.9926, low: 0.99, high: 1 }, "test")[0], /9,926 right and 74 wrong: about one mistake in 135/);
  assert.match(verdict_words({ successes: 9, n: 10, rate: 0.9, low: 0.7, high: 1 }, "validation")[1], /choices were made/);
});

test("an image's text alternative says what it is, what the network says, and whether the label is wrong", () => {
  const bundle = /** @type {any} */ ({ class_names: ["cat", "dog"], pictures: { part: "test" } });
  const entry = { index: 247, name: "", label: 0, predicted: 1, probability: 0.971, known_wrong: false, gallery: true };
  assert.equal(picture_title(bundle, entry), "test image 247: label cat, network says dog with 97.1 %");
  assert.match(picture_title(bundle, { ...entry, known_wrong: true }), /known to be wrong$/);
});

test("curves leave out rows without the figure", () => {
  const history = [{ epoch: 0.5, loss: 2, validation_loss: null }, { epoch: 1, loss: 1, validation_loss: 0.5, validation_accuracy: 0.9 }];
  const { loss, accuracy } = curves(history);
  assert.deepEqual(loss.map(({ points }) => points), [[[0.5, 2], [1, 1]], [[1, 0.5]]]);
  assert.equal(accuracy.length, 1);
  assert.match(curves_in_words(history), /After 1 epoch it was right on 90.0 %/);
  assert.match(curves_in_words([]), /no record/);
});

test("an axis has room even where nothing changes, and no accuracy above 1", () => {
  const flat = [{ name: "a", points: /** @type {[number, number][]} */ ([[0, 0.99], [1, 0.99]]) }];
  const { low, high } = span(flat, false);
  assert.ok(low < 0.99 && high > 0.99 && high <= 1);
  assert.equal(span(flat, true).low, 0);
});

test("empty groups are not drawn", () => {
  const bin = { low: 0.3, high: 0.9, count: 5, mean_confidence: 0.89, accuracy: proportion(0.9, 0.868) };
  assert.deepEqual(inhabited([{ ...bin, count: 0, mean_confidence: null, accuracy: null }, bin]), [bin]);
});

test("a group that is right less often than it says lies below 0, its interval with it", () => {
  const bin = { low: 0.5, high: 1, count: 10, mean_confidence: 0.75, accuracy: { successes: 5, n: 10, rate: 0.5, low: 0.25, high: 0.875 } };
  assert.deepEqual(gaps([bin]), [{ gap: -0.25, low: -0.5, high: 0.125 }]);
});

test("two losses are said to be on unequal terms only where they are", () => {
  assert.equal(unequal_terms({ label_smoothing: 0, shift: 0 }), "");
  assert.match(unequal_terms({ label_smoothing: 0.1, shift: 2 }), /label smoothing of 0.1 and random changes/);
});
