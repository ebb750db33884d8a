import assert from "node:assert/strict";
import { test } from "node:test";

import { load_kinds } from "#web/core/layer_kinds.js";
import { arguments_text } from "#web/core/layer_descriptions.js";
import { claim_summary } from "#web/core/tutorial_claim.js";
import { picture_title } from "#web/core/captions.js";
import { curves, history_summary, span, loss_comparison_note } from "#web/core/history.js";
import { calibration_gaps, nonempty_bins } from "#web/core/reliability.js";
import { data_lines, machine_lines, preprocessing_steps, training_lines } from "#web/core/descriptions.js";
import { accuracy_summary } from "#web/core/accuracy_summary.js";

await load_kinds(["Conv2D", "MaxPooling2D"]);

const OPTIONS = {
  epochs: 1, batch_size: 256, optimizer: "muon", learning_rate: 0.02, muon_learning_rate: 0.2, warmup: 0.2,
  label_smoothing: 0.1, weight_decay: 0, average: 0, shift: 2, rotate: 9, zoom: 0, shear: 0, whiten: true, seed: 7,
};
const proportion = (/** @type {number} */ rate, low = rate) => ({ successes: 0, n: 10, rate, low, high: 1 });

test("training options are listed, without those that are off", () => {
  const lines = new Map(training_lines({ options: OPTIONS, outcome: "stopped", seconds: { train: 4 } }));
  assert.equal(lines.get("Epochs"), "1 (stopped)");
  assert.equal(lines.get("Batch size"), "256");
  assert.equal(lines.get("Data augmentation"), "shift up to 2 pixels, rotation up to 9°");
  assert.equal(lines.get("Label smoothing"), "0.1");
  assert.equal(lines.has("Weight decay"), false);
  assert.equal(lines.get("Random seed"), "7");
  assert.equal(lines.get("Training time"), "4.0 s");
});

test("an unknown option is listed by its name", () => {
  assert.deepEqual(training_lines({ options: { mixup: 0.2 } }), [["mixup", "0.2"]]);
});

test("an empty record has no lines", () => {
  assert.deepEqual([training_lines({}), data_lines({}), machine_lines({})], [[], [], []]);
});

test("the data are listed with their sizes, without empty splits", () => {
  const lines = new Map(data_lines({ source: "MNIST train", train: 54999, validation: 5001, test: 0, skipped: [{}] }));
  assert.equal(lines.get("Images"), "54,999 for training, 5,001 for validation");
  assert.equal(lines.get("Skipped"), "1 file");
});

test("preprocessing steps are listed in order, without those that do nothing", () => {
  const steps = preprocessing_steps({ height: 32, width: 48, channels: 3, fit: "pad", polarity: "as_is", background: 255 });
  assert.equal(steps.length, 4);
  assert.match(steps[0], /white/);
  assert.match(steps[2], /fit into 32×48 pixels/);
});

test("a layer's arguments are listed in Keras's order, without defaults", () => {
  const row = {
    name: "conv2d", kind: "Conv2D", input_shape: [], output_shape: [], parameters: 0, multiply_adds: 0, receptive_field: null,
    config: { activation: "relu", filters: 32, kernel_size: [5, 5], strides: [2, 2], padding: "same", dilation_rate: [1, 1], groups: 1, use_bias: false, kernel_initializer: "x" },
  };
  assert.equal(arguments_text(row), "32 filters, kernel_size 5×5, strides 2×2, padding same, activation relu, use_bias false");
  assert.equal(arguments_text({ ...row, kind: "MaxPooling2D", config: { pool_size: [2, 2], strides: [2, 2], padding: "valid" } }), "pool_size 2×2");
});

test("the claim holds, holds in part, or is not supported", () => {
  const pair = (/** @type {boolean} */ distinguishable) =>
    /** @type {any} */ ({ first_name: "4", second_name: "9", distinguishable });
  assert.match(claim_summary([pair(true), pair(true)]), /the claim holds:/);
  assert.match(claim_summary([pair(true), pair(false)]), /in part: only \(4, 9\) is confused/);
  assert.match(claim_summary([pair(false)]), /not supported/);
});

test("perfect accuracy is questioned", () => {
  assert.match(accuracy_summary({ successes: 10, n: 10, rate: 1, low: 0.7, high: 1 }, "test")[0], /rare on real data/);
  assert.match(accuracy_summary({ successes: 9926, n: 10000, rate: 0.9926, low: 0.99, high: 1 }, "test")[0], /9,926 correct, 74 wrong: about one error per 135 images/);
  assert.equal(accuracy_summary({ successes: 0, n: 1, rate: 0, low: 0, high: 0.8 }, "test")[0], "0 correct, 1 wrong.");
  assert.equal(accuracy_summary({ successes: 5, n: 10, rate: 0.5, low: 0.2, high: 0.8 }, "test")[0], "5 correct, 5 wrong: about one error per 2 images.");
  assert.match(accuracy_summary({ successes: 9, n: 10, rate: 0.9, low: 0.7, high: 1 }, "validation")[1], /for model selection/);
});

test("an image's text alternative has its label, its prediction, and known label errors", () => {
  const bundle = /** @type {any} */ ({ class_names: ["cat", "dog"], pictures: { part: "test" } });
  const entry = { index: 247, name: "", label: 0, predicted: 1, probability: 0.971, known_wrong: false, gallery: true };
  assert.equal(picture_title(bundle, entry), "test image 247: label cat, predicted dog with 97.1 %");
  assert.match(picture_title(bundle, { ...entry, known_wrong: true }), /known to be wrong$/);
});

test("curves skip rows without the value", () => {
  const history = [{ epoch: 0.5, loss: 2, validation_loss: null }, { epoch: 1, loss: 1, validation_loss: 0.5, validation_accuracy: 0.9 }];
  const { loss, accuracy } = curves(history);
  assert.deepEqual(loss.map(({ points }) => points), [[[0.5, 2], [1, 1]], [[1, 0.5]]]);
  assert.equal(accuracy.length, 1);
  assert.match(history_summary(history), /Validation accuracy after 1 epoch: 90.0 %/);
  assert.match(history_summary([]), /no training history/);
  assert.match(history_summary(history, { epoch: 3, best_epoch: 1 }), /best after epoch 1, with 90.0 %: training ended after epoch 3/);
  assert.match(history_summary(history, { epoch: 1, best_epoch: 1 }), /Validation accuracy after 1 epoch: 90.0 %/);
});

test("an axis has a margin for constant values, and no accuracy above 1", () => {
  const flat = [{ name: "a", points: /** @type {[number, number][]} */ ([[0, 0.99], [1, 0.99]]) }];
  const { low, high } = span(flat, false);
  assert.ok(low < 0.99 && high > 0.99 && high <= 1);
  assert.equal(span(flat, true).low, 0);
});

test("empty bins are skipped", () => {
  const bin = { low: 0.3, high: 0.9, count: 5, mean_confidence: 0.89, accuracy: proportion(0.9, 0.868) };
  assert.deepEqual(nonempty_bins([{ ...bin, count: 0, mean_confidence: null, accuracy: null }, bin]), [bin]);
});

test("an overconfident bin lies below 0, with its interval", () => {
  const bin = { low: 0.5, high: 1, count: 10, mean_confidence: 0.75, accuracy: { successes: 5, n: 10, rate: 0.5, low: 0.25, high: 0.875 } };
  assert.deepEqual(calibration_gaps([bin]), [{ gap: -0.25, low: -0.5, high: 0.125 }]);
});

test("losses are called incomparable only where they are", () => {
  assert.equal(loss_comparison_note({ label_smoothing: 0, shift: 0 }), "");
  assert.match(loss_comparison_note({ label_smoothing: 0.1, shift: 2 }), /label smoothing of 0.1 and data augmentation/);
});
