import assert from "node:assert/strict";
import { test } from "node:test";

import { prepare } from "#web/core/forward.js";
import { gradient } from "#web/core/gradient.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { occlusion } from "#web/core/occlusion.js";

await load_kinds(["MaxPooling2D", "Flatten", "Dense"]);

/** @type {(shape: number[], ...data: number[]) => {shape: number[], data: Float32Array}} */
const tensor = (shape, ...data) => ({ shape, data: Float32Array.from(data) });

/** @type {(kind: string, config: object, input_shape: number[], output_shape: number[]) => any} */
const row = (kind, config, input_shape, output_shape) => ({ name: kind, kind, config, input_shape, output_shape });

/** @type {(input_shape: number[], ...layers: any[]) => any} */
const network = (input_shape, ...layers) => ({ name: "n", input_shape, num_classes: 2, layers });

const POOLED = network(
  [2, 2, 1],
  row("MaxPooling2D", { pool_size: [2, 2], strides: [2, 2], padding: "valid" }, [2, 2, 1], [1, 1, 1]),
  row("Flatten", {}, [1, 1, 1], [1]),
  row("Dense", { units: 2, activation: "softmax", use_bias: false }, [1], [2]),
);
const POOLED_WEIGHTS = { "Dense/kernel": tensor([1, 2], 3, -2) };

const LINEAR = network(
  [3, 2, 1],
  row("Flatten", {}, [3, 2, 1], [6]),
  row("Dense", { units: 2, activation: "softmax", use_bias: true }, [6], [2]),
);
const LINEAR_WEIGHTS = {
  "Dense/kernel": tensor([6, 2], 1, 0, 2, 0, -3, 0, 4, 0, 0, 0, 6, 1),
  "Dense/bias": tensor([2], 7, 8),
};
const PICTURE = tensor([3, 2, 1], 1, 0.5, 0.25, 1, 0.75, 0.5);

/** @type {(options: object, class_index?: number) => {steps: any[], drop: number[]}} */
function occlude(options, class_index = 0) {
  const steps = [...occlusion(prepare(LINEAR, LINEAR_WEIGHTS), PICTURE, class_index, options)];
  return { steps, drop: [...steps[steps.length - 1].drop.data] };
}

test("of equal pixels in a pooling window the first has all of the gradient", () => {
  for (const [values, expected] of [[[1, 5, 5, 0], [0, 3, 0, 0]], [[2, 2, 2, 2], [3, 0, 0, 0]]]) {
    const activations = prepare(POOLED, POOLED_WEIGHTS).run(tensor([2, 2, 1], ...values));
    assert.deepEqual([...gradient(POOLED, POOLED_WEIGHTS, activations, 0).data], expected);
  }
});

test("the gradient is of the logit asked for, not of its probability", () => {
  const activations = prepare(POOLED, POOLED_WEIGHTS).run(tensor([2, 2, 1], 1, 0, 0, 0));
  assert.deepEqual([...gradient(POOLED, POOLED_WEIGHTS, activations, 1).data], [-2, 0, 0, 0]);
  assert.throws(() => gradient(POOLED, POOLED_WEIGHTS, activations, 2), /class from 0 to 1\. Received: 2/);
});

test("a disabled channel passes no gradient", () => {
  const off = { MaxPooling2D: [0] };
  const activations = prepare(POOLED, POOLED_WEIGHTS).run(tensor([2, 2, 1], 1, 0, 0, 0), { off });
  assert.deepEqual([...gradient(POOLED, POOLED_WEIGHTS, activations, 0, { off }).data], [0, 0, 0, 0]);
});

test("patches of one pixel on a linear network take away that pixel's own contribution", () => {
  const { steps, drop } = occlude({ patch: 1, stride: 1 });
  assert.deepEqual(drop, [1, 1, -0.75, 4, 0, 3]);
  assert.deepEqual(occlude({ patch: 1, stride: 1, fill: 1 }).drop, [0, -1, 2.25, 0, 0, -3]);
  assert.deepEqual([steps.length, steps[0].done, steps[0].total], [6, 1, 6]);
  assert.deepEqual([...steps[0].drop.data], [1, 0, 0, 0, 0, 0]);
});

test("a pixel's drop is the mean over every patch that covers it", () => {
  const { drop } = occlude({ patch: 2, stride: 1 });
  // rows × columns of contributions: 1 1 / -0.75 4 / 0 3; the four patches over the first pixel hold 1, 2, 0.25, 5.25
  assert.ok(Math.abs(drop[0] - (1 + 2 + 0.25 + 5.25) / 4) < 1e-6);
  assert.equal(occlude({ patch: 9, stride: 9 }).drop.length, 6);
});

test("every pixel is covered whatever the stride, and the image is not modified", () => {
  for (const [patch, stride] of [[2, 1], [2, 2], [3, 2], [3, 3], [5, 4]]) {
    const { drop } = occlude({ patch, stride, fill: -51 });
    assert.ok(drop.every((value) => value !== 0), `${patch}, ${stride}`);
  }
  assert.deepEqual([...PICTURE.data], [1, 0.5, 0.25, 1, 0.75, 0.5]);
});

test("patches with gaps and unknown classes are refused", () => {
  assert.throws(() => occlude({ patch: 2, stride: 3 }), /1 <= stride <= patch\. Received: patch=2, stride=3/);
  assert.throws(() => occlude({ patch: 0, stride: 0 }), /stride=0/);
  assert.throws(() => occlude({}, 2), /class from 0 to 1\. Received: 2/);
});
