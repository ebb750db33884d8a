import assert from "node:assert/strict";
import { test } from "node:test";

import { forward, prepare } from "#web/core/forward.js";
import { load_kinds } from "#web/core/layer_kinds.js";

await load_kinds(["Conv2D", "Flatten", "Dense", "Activation", "Softmax", "MaxPooling2D", "AveragePooling2D"]);

/** @type {(shape: number[], ...data: number[]) => {shape: number[], data: Float32Array}} */
const tensor = (shape, ...data) => ({ shape, data: Float32Array.from(data) });

/** @type {(name: string, kind: string, config: object, input_shape: number[], output_shape: number[]) => any} */
const row = (name, kind, config, input_shape, output_shape) => {
  return { name, kind, config, input_shape, output_shape, parameters: 0, multiply_adds: 0, receptive_field: null };
};

/** @type {(...layers: any[]) => any} */
const network = (...layers) => {
  const [input_shape, [num_classes]] = [layers[0].input_shape, layers[layers.length - 1].output_shape];
  return { name: "n", input_shape, num_classes, parameters: 0, multiply_adds: 0, layers };
};

const SLIDE = { kernel_size: [2, 2], strides: [1, 1], padding: "valid", dilation_rate: [1, 1], groups: 1 };

const TWO_FILTERS = network(
  row("conv2d", "Conv2D", { ...SLIDE, filters: 2, activation: "relu", use_bias: true }, [2, 3, 1], [1, 2, 2]),
  row("flatten", "Flatten", {}, [1, 2, 2], [4]),
  row("dense", "Dense", { units: 2, activation: "softmax", use_bias: false }, [4], [2]),
);
const PICTURE = tensor([2, 3, 1], 1, 2, 3, 4, 5, 6);
const WEIGHTS = {
  "conv2d/kernel": tensor([2, 2, 1, 2], 1, 0, 0, 0, 0, 0, 1, -1), // filter 0: corners added; filter 1: minus the last
  "conv2d/bias": tensor([2], 10, 5.5),
  "dense/kernel": tensor([4, 2], 1, 0, 0, 1, 1, 0, 0, 1),
};

test("a network that can be computed by hand gives those numbers", () => {
  const { layers, logits, probabilities } = forward(TWO_FILTERS, WEIGHTS, PICTURE);
  assert.deepEqual([...(layers[0].pre_activation?.data ?? [])], [16, 0.5, 18, -0.5]);
  assert.deepEqual([...layers[0].output.data], [16, 0.5, 18, 0]);
  assert.deepEqual(layers[0].output.shape, [1, 2, 2]);
  assert.equal(layers[1].pre_activation, null);
  assert.deepEqual([...logits], [34, 0.5]);
  assert.ok(Math.abs(probabilities[0] - 1) < 1e-6);
});

test("a disabled filter is zero after the activation and unchanged before", () => {
  const { layers, logits } = forward(TWO_FILTERS, WEIGHTS, PICTURE, { off: { conv2d: [0] } });
  assert.deepEqual([...(layers[0].pre_activation?.data ?? [])], [16, 0.5, 18, -0.5]);
  assert.deepEqual([...layers[0].output.data], [0, 0.5, 0, 0]);
  assert.deepEqual([...logits], [0, 0.5]);
});

test("one engine runs many images without changing earlier results", () => {
  const engine = prepare(TWO_FILTERS, WEIGHTS);
  const before = engine.run(PICTURE).logits;
  engine.run(tensor([2, 3, 1], 0, 0, 0, 0, 0, 0));
  assert.deepEqual([...before], [34, 0.5]);
  assert.deepEqual([...engine.run(PICTURE).logits], [34, 0.5]);
});

/** @type {(name: string, values: number[], activation?: string) => number[]} */
const activated = (name, values, activation = name) => {
  const config = { activation };
  const shape = [values.length];
  const last = row("softmax", "Softmax", {}, shape, shape);
  const one = network(row("activation", "Activation", config, shape, shape), last);
  return [...forward(one, {}, tensor(shape, ...values)).logits];
};

test("every activation has the constants of Keras 3", () => {
  const expected = {
    linear: [-2, 0, 3],
    relu: [0, 0, 3],
    leaky_relu: [-0.4, 0, 3],
    elu: [Math.exp(-2) - 1, 0, 3],
    silu: [-2 / (1 + Math.exp(2)), 0, 3 / (1 + Math.exp(-3))],
    sigmoid: [1 / (1 + Math.exp(2)), 0.5, 1 / (1 + Math.exp(-3))],
    tanh: [Math.tanh(-2), 0, Math.tanh(3)],
  };
  for (const [name, values] of Object.entries(expected)) {
    activated(name, [-2, 0, 3]).forEach((value, index) => assert.ok(Math.abs(value - values[index]) < 1e-6, name));
  }
});

test("exponentials do not overflow, and NaN stays NaN", () => {
  assert.deepEqual(activated("sigmoid", [-1000, 1000]), [0, 1]);
  assert.deepEqual(activated("silu", [-1000, 1000]), [-0, 1000]);
  assert.ok(Number.isNaN(activated("relu", [NaN])[0]));
  const { probabilities } = forward(network(row("softmax", "Softmax", {}, [2], [2])), {}, tensor([2], 1000, 1000));
  assert.deepEqual([...probabilities], [0.5, 0.5]);
});

test("the largest of a window is never a padding zero, and the mean does not count padding", () => {
  const config = { pool_size: [2, 2], strides: [2, 2], padding: "same" };
  const picture = tensor([3, 1, 1], -1, -2, -3);
  for (const [kind, expected] of [["MaxPooling2D", [-1, -3]], ["AveragePooling2D", [-1.5, -3]]]) {
    const pooling = row("pooling", String(kind), config, [3, 1, 1], [2, 1, 1]);
    const flat = row("flatten", "Flatten", {}, [2, 1, 1], [2]);
    const pooled = forward(network(pooling, flat, row("softmax", "Softmax", {}, [2], [2])), {}, picture);
    assert.deepEqual([...pooled.logits], expected);
  }
});

test("a missing weight, an image of another shape and an unknown filter are refused", () => {
  const { "conv2d/bias": _, ...rest } = WEIGHTS;
  assert.throws(() => forward(TWO_FILTERS, rest, PICTURE), /conv2d\/bias must have shape 2\. Received: nothing/);
  const turned = { ...WEIGHTS, "dense/kernel": tensor([2, 4], 1, 0, 0, 1, 1, 0, 0, 1) };
  assert.throws(() => forward(TWO_FILTERS, turned, PICTURE), /dense\/kernel must have shape 4×2\. Received: shape 2×4/);
  const other = { ...PICTURE, shape: [3, 2, 1] };
  assert.throws(() => forward(TWO_FILTERS, WEIGHTS, other), /image must have shape 2×3×1/);
  assert.throws(() => forward(TWO_FILTERS, WEIGHTS, PICTURE, { off: { conv2d: [2] } }), /channel 2 of conv2d/);
  assert.throws(() => forward(TWO_FILTERS, WEIGHTS, PICTURE, { off: { conv: [0] } }), /of conv\./);
});
