import assert from "node:assert/strict";
import { test } from "node:test";

import { softmax } from "#web/core/activations.js";
import { forward, prepare } from "#web/core/forward.js";
import { gradient } from "#web/core/gradient.js";
import { file_of, kind_of, load_kinds } from "#web/core/layer_kinds.js";
import { arguments_text, describe_layer } from "#web/core/layer_descriptions.js";
import { consumer_indexes, input_indexes } from "#web/core/network.js";
import { terms } from "#web/core/terms.js";
import { trace } from "#web/core/receptive_field.js";

await load_kinds([
  "Conv2D", "Dense", "Flatten", "Softmax", "BatchNormalization", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "LeakyReLU",
  "ZeroPadding2D", "LayerNormalization", "Rescaling", "Add", "ReLU", "DepthwiseConv2D", "SeparableConv2D",
  "Concatenate", "Normalization", "Reshape", "Activation",
]);

/** @type {(shape: number[], ...data: number[]) => {shape: number[], data: Float32Array}} */
const tensor = (shape, ...data) => ({ shape, data: Float32Array.from(data) });

/** @type {(name: string, kind: string, config: object, input_shape: number[], output_shape: number[], inputs?: string[]) => any} */
const row = (name, kind, config, input_shape, output_shape, inputs) =>
  ({ name, kind, config, input_shape, output_shape, parameters: 0, multiply_adds: 0, receptive_field: null, ...(inputs && { inputs }) });

/** @type {(input_shape: number[], num_classes: number, ...layers: any[]) => any} */
const network = (input_shape, num_classes, ...layers) => ({ name: "n", input_shape, num_classes, parameters: 0, multiply_adds: 0, layers });

/** One layer, then Flatten and a softmax, so that the logits are the layer's output. @type {(layer: any) => any} */
function alone(layer) {
  const units = layer.output_shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1);
  const flat = layer.output_shape.length === 3 ? [row("flatten", "Flatten", {}, layer.output_shape, [units])] : [];
  return network(layer.input_shape, units, layer, ...flat, row("softmax", "Softmax", {}, [units], [units]));
}

/** @type {(actual: Iterable<number>, expected: number[], tolerance?: number) => void} */
function close(actual, expected, tolerance = 1e-6) {
  const values = [...actual];
  assert.equal(values.length, expected.length);
  values.forEach((value, index) => assert.ok(Math.abs(value - expected[index]) <= tolerance, `${values} is not ${expected}`));
}

/** Central differences of every logit against `gradient`. @type {(net: any, weights: any, image: any) => void} */
function check_gradient(net, weights, image) {
  const engine = prepare(net, weights);
  const activations = engine.run(image);
  const step = 1e-2;
  for (let k = 0; k < net.num_classes; k += 1) {
    const found = gradient(net, weights, activations, k).data;
    const expected = [...image.data].map((_, at) => {
      const moved = (/** @type {number} */ by) => {
        const data = image.data.map((/** @type {number} */ value, /** @type {number} */ i) => value + (i === at ? by : 0));
        return engine.run({ ...image, data }).logits[k];
      };
      return (moved(step) - moved(-step)) / (2 * step);
    });
    close(found, expected, 2e-3);
  }
}

const IMAGE = tensor([2, 2, 2], 0.1, -0.4, 0.9, 0.3, -0.7, 0.8, 0.2, -0.1);

test("a kind's file has Keras's class name in snake case", () => {
  const names = ["Conv2D", "DepthwiseConv2D", "GlobalAveragePooling2D", "BatchNormalization", "ReLU", "LeakyReLU", "ZeroPadding2D", "Add", "PReLU", "RMSNormalization", "Conv2DTranspose"];
  assert.deepEqual(names.map(file_of), [
    "conv2d", "depthwise_conv2d", "global_average_pooling2d", "batch_normalization", "re_lu", "leaky_re_lu", "zero_padding2d", "add", "p_re_lu",
    "rms_normalization", "conv2d_transpose",
  ]);
});

test("an unknown kind is an error, never the identity", async () => {
  for (const kind of ["Conv3D", "../main", "", "toString"]) {
    await assert.rejects(load_kinds([kind]), new RegExp(`cannot compute layers of this kind\\. Received: kind=${kind}\\.`));
  }
  const strange = alone(row("x", "Conv3D", {}, [2, 2, 2], [2, 2, 2]));
  assert.throws(() => prepare(strange, {}), /Received: kind=Conv3D\. Update convscope/);
  assert.throws(() => kind_of({ kind: "Dropout" }), /kind=Dropout/, "not loaded");
});

test("an unknown activation is an error", () => {
  const dense = row("dense", "Dense", { units: 2, activation: "glu", use_bias: false }, [2], [2]);
  assert.throws(() => forward(network([2], 2, dense), { "dense/kernel": tensor([2, 2], 1, 0, 0, 1) }, tensor([2], 1, 2)), /activation=glu/);
});

test("global max pooling keeps the largest value of each map", () => {
  const net = alone(row("pool", "GlobalMaxPooling2D", {}, [2, 2, 2], [2]));
  close(forward(net, {}, IMAGE).logits, [0.9, 0.8]);
  check_gradient(net, {}, IMAGE);
  const found = terms(net, {}, forward(net, {}, IMAGE), 0, 0, 0, 1);
  assert.ok(found.kind === "pooling" && found.winner === 2 && found.pixels.length === 4);
});

test("leaky ReLU multiplies negative values, by 0.3 unless told otherwise", () => {
  const layer = (/** @type {object} */ config) => alone(row("leaky", "LeakyReLU", config, [2, 2, 2], [2, 2, 2]));
  close(forward(layer({}), {}, IMAGE).logits, [0.1, -0.12, 0.9, 0.3, -0.21, 0.8, 0.2, -0.03]);
  close(forward(layer({ negative_slope: 0.5 }), {}, IMAGE).logits, [0.1, -0.2, 0.9, 0.3, -0.35, 0.8, 0.2, -0.05]);
  check_gradient(layer({ negative_slope: 0.5 }), {}, IMAGE);
});

test("zero padding takes a number, one per axis, or two per axis", () => {
  const image = tensor([1, 2, 1], 5, 7);
  const padded = (/** @type {unknown} */ padding, /** @type {number[]} */ output) =>
    forward(alone(row("pad", "ZeroPadding2D", { padding }, [1, 2, 1], output)), {}, image).logits;
  close(padded(1, [3, 4, 1]), [0, 0, 0, 0, 0, 5, 7, 0, 0, 0, 0, 0]);
  close(padded([0, 1], [1, 4, 1]), [0, 5, 7, 0]);
  const net = alone(row("pad", "ZeroPadding2D", { padding: [[1, 0], [0, 2]] }, [1, 2, 1], [2, 4, 1]));
  const activations = forward(net, {}, image);
  close(activations.logits, [0, 0, 0, 0, 5, 7, 0, 0]);
  check_gradient(net, {}, image);
  assert.deepEqual(trace(net, 0, 1, 1)[0], { r0: 0, r1: 0, c0: 1, c1: 1 });
  assert.equal(trace(net, 0, 0, 1)[0], null, "padding depends on no pixel");
  const [pixel, zero] = [terms(net, {}, activations, 0, 1, 1, 0), terms(net, {}, activations, 0, 0, 1, 0)];
  assert.ok(pixel.kind === "copy" && pixel.inside && pixel.column === 1 && pixel.value === 7);
  assert.ok(zero.kind === "copy" && !zero.inside && zero.value === 0);
});

test("layer normalization uses the statistics of each pixel's channels", () => {
  const config = { axis: -1, epsilon: 1, center: true, scale: true };
  const net = alone(row("norm", "LayerNormalization", config, [1, 2, 2], [1, 2, 2]));
  const weights = { "norm/gamma": tensor([2], 2, 1), "norm/beta": tensor([2], 0, 10) };
  const image = tensor([1, 2, 2], 1, 5, 3, 3);
  // means 3 and 3, variances 4 and 0
  close(forward(net, weights, image).logits, [(-2 / Math.sqrt(5)) * 2, 2 / Math.sqrt(5) + 10, 0, 10]);
  check_gradient(net, weights, image);
  const found = terms(net, weights, forward(net, weights, image), 0, 0, 0, 0);
  assert.ok(found.kind === "normalization" && found.mean === 3 && found.variance === 4 && found.gamma === 2);
});

test("the epsilon of batch normalization counts", () => {
  const net = alone(row("bn", "BatchNormalization", { epsilon: 3, center: false, scale: false }, [1, 1, 1], [1, 1, 1]));
  const weights = { "bn/moving_mean": tensor([1], 2), "bn/moving_variance": tensor([1], 1) };
  close(forward(net, weights, tensor([1, 1, 1], 8)).logits, [3]);
  close(gradient(net, weights, forward(net, weights, tensor([1, 1, 1], 8)), 0).data, [0.5]);
});

test("rescaling multiplies and adds", () => {
  const net = alone(row("scale", "Rescaling", { scale: 2, offset: -1 }, [2, 2, 2], [2, 2, 2]));
  close(forward(net, {}, IMAGE).logits, [-0.8, -1.8, 0.8, -0.4, -2.4, 0.6, -0.6, -1.2]);
  check_gradient(net, {}, IMAGE);
});

const CONV = { kernel_size: [1, 1], strides: [1, 1], padding: "valid", dilation_rate: [1, 1], groups: 1, filters: 2, activation: "relu", use_bias: false };
/** A residual block: the image is used twice, and its convolution's output twice. */
const RESIDUAL = network(
  [2, 2, 2], 2,
  row("conv2d", "Conv2D", CONV, [2, 2, 2], [2, 2, 2], ["input"]),
  row("leaky", "LeakyReLU", { negative_slope: 0.3 }, [2, 2, 2], [2, 2, 2], ["conv2d"]),
  row("add", "Add", {}, [2, 2, 2], [2, 2, 2], ["leaky", "input", "conv2d"]),
  row("mean", "GlobalAveragePooling2D", {}, [2, 2, 2], [2], ["add"]),
  row("dense", "Dense", { units: 2, activation: "softmax", use_bias: false }, [2], [2], ["mean"]),
);
const WEIGHTS = { "conv2d/kernel": tensor([1, 1, 2, 2], 1, -2, 0.5, 3), "dense/kernel": tensor([2, 2], 1, 0, 2, -1) };

test("layers run by the names of their inputs", () => {
  const { layers } = forward(RESIDUAL, WEIGHTS, IMAGE);
  const convolved = [...layers[0].output.data];
  close(layers[2].output.data, convolved.map((value, at) => 2 * value + IMAGE.data[at]));
});

test("gradients of a value that is used twice are summed", () => check_gradient(RESIDUAL, WEIGHTS, IMAGE));

test("a sum lists its inputs, and a pixel is traced through every branch", () => {
  const activations = forward(RESIDUAL, WEIGHTS, IMAGE);
  const found = terms(RESIDUAL, WEIGHTS, activations, 2, 1, 0, 1);
  assert.ok(found.kind === "sum" && found.inputs.length === 3);
  close([found.inputs.reduce((sum, value) => sum + value, 0)], [found.value]);
  const { equation, parts } = kind_of(RESIDUAL.layers[2]).explain(found, { inputs: ["leaky", "the image", "conv2d"], origin: String });
  assert.match(equation, / \+ .* \+ .* = /);
  assert.ok(parts[0].type === "text" && parts[0].text.includes("the image: 0.8"));
  const pixel = { r0: 1, r1: 1, c0: 0, c1: 0 };
  assert.deepEqual(trace(RESIDUAL, 2, 1, 0), [pixel, pixel, pixel, pixel]);
  assert.deepEqual([input_indexes(RESIDUAL, 2), consumer_indexes(RESIDUAL, 0)], [[1, -1, 0], [1, 2]]);
});

test("an input that is not an earlier layer is refused", () => {
  const later = network([2, 2, 2], 2, ...RESIDUAL.layers.slice(0, 2).map((/** @type {any} */ one) => ({ ...one, inputs: ["add"] })), ...RESIDUAL.layers.slice(2));
  assert.throws(() => prepare(later, WEIGHTS), /inputs of conv2d to be earlier layers or "input"\. Received: add/);
  const missing = network([2, 2, 2], 2, { ...RESIDUAL.layers[0], inputs: ["nothing"] }, ...RESIDUAL.layers.slice(1));
  assert.throws(() => prepare(missing, WEIGHTS), /Received: nothing/);
});

test("every kind describes itself and its arguments", () => {
  for (const one of RESIDUAL.layers) assert.match(describe_layer(one), /^\S.*\.$/);
  assert.equal(arguments_text(RESIDUAL.layers[0]), "2 filters, kernel_size 1×1, activation relu, use_bias false");
  assert.equal(arguments_text(row("pad", "ZeroPadding2D", { padding: [[1, 0], [0, 2]] }, [1, 2, 1], [2, 4, 1])), "padding 1+0×0+2");
  assert.equal(arguments_text(RESIDUAL.layers[1]), "");
});

test("a pixel depends on the union of what its branches read", () => {
  const wide = { ...CONV, kernel_size: [3, 1], padding: "same" };
  const narrow = row("narrow", "ReLU", {}, [4, 2, 2], [4, 2, 2], ["input"]);
  const tall = row("wide", "Conv2D", wide, [4, 2, 2], [4, 2, 2], ["input"]);
  const unused = row("unused", "ReLU", {}, [4, 2, 2], [4, 2, 2], ["input"]);
  const add = row("add", "Add", {}, [4, 2, 2], [4, 2, 2], ["narrow", "wide"]);
  const pixel = { r0: 2, r1: 2, c0: 1, c1: 1 };
  const image = { r0: 1, r1: 3, c0: 1, c1: 1 };
  for (const [first, second] of [[narrow, tall], [tall, narrow]]) {
    assert.deepEqual(trace(network([4, 2, 2], 2, first, second, unused, add), 3, 2, 1), [image, pixel, pixel, null, pixel]);
  }
});

test("a depthwise and a separable convolution give the numbers worked out by hand", () => {
  const config = { kernel_size: [1, 2], strides: [1, 1], padding: "valid", dilation_rate: [1, 1], depth_multiplier: 1, use_bias: true };
  const image = tensor([1, 2, 2], 1, 2, 3, 4);
  const kernel = tensor([1, 2, 2, 1], 1, 10, 100, 1000);
  const depthwise = alone(row("d", "DepthwiseConv2D", { ...config, activation: "linear" }, [1, 2, 2], [1, 1, 2]));
  const weights = { "d/kernel": kernel, "d/bias": tensor([2], 0.5, 0) };
  close(forward(depthwise, weights, image).logits, [1 + 300 + 0.5, 20 + 4000]);
  close(gradient(depthwise, weights, forward(depthwise, weights, image), 1).data, [0, 10, 0, 1000]);
  const separable = alone(row("s", "SeparableConv2D", { ...config, filters: 2, activation: "linear" }, [1, 2, 2], [1, 1, 2]));
  const mixed = { "s/depthwise_kernel": kernel, "s/pointwise_kernel": tensor([1, 1, 2, 2], 1, 0, -1, 2), "s/bias": tensor([2], 0, 7) };
  close(forward(separable, mixed, image).logits, [301 - 4020, 2 * 4020 + 7]);
  close(gradient(separable, mixed, forward(separable, mixed, image), 0).data, [1, -10, 100, -1000]);
});

test("concatenation puts the channels of each pixel one after the other", () => {
  const net = network(
    [1, 2, 1], 6,
    row("scale", "Rescaling", { scale: 10, offset: 0 }, [1, 2, 1], [1, 2, 1], ["input"]),
    row("pair", "Concatenate", {}, [1, 2, 2], [1, 2, 2], ["input", "scale"]),
    row("three", "Concatenate", {}, [1, 2, 3], [1, 2, 3], ["pair", "input"]),
    row("flatten", "Flatten", {}, [1, 2, 3], [6], ["three"]),
    row("softmax", "Softmax", {}, [6], [6], ["flatten"]),
  );
  const image = tensor([1, 2, 1], 3, 4);
  const activations = forward(net, {}, image);
  close(activations.logits, [3, 30, 3, 4, 40, 4]);
  check_gradient(net, {}, image);
  const found = terms(net, {}, activations, 2, 0, 1, 2);
  assert.ok(found.kind === "copy" && found.source === 1 && found.channel === 0 && found.value === 4);
  const kind = kind_of(net.layers[2]);
  assert.equal(kind.strongest_input?.(found), 1);
  assert.match(kind.explain(found, { inputs: ["pair", "the image"], origin: String }).equation, /from channel 0 of the image$/);
});

test("normalization divides by the deviation of each channel, which is never 0", () => {
  const layer = row("n", "Normalization", { mean: [1, 0], variance: [4, 0] }, [1, 1, 2], [1, 1, 2]);
  const net = alone(layer);
  close(forward(net, {}, tensor([1, 1, 2], 5, 2e-7)).logits, [2, 2], 1e-5);
  close(gradient(net, {}, forward(net, {}, tensor([1, 1, 2], 5, 0)), 0).data, [0.5, 0]);
  const one = alone(row("n", "Normalization", { mean: [0.5], variance: [0.25] }, [2, 2, 2], [2, 2, 2]));
  close(forward(one, {}, IMAGE).logits, [-0.8, -1.8, 0.8, -0.4, -2.4, 0.6, -0.6, -1.2]);
  check_gradient(one, {}, IMAGE);
  assert.match(describe_layer(layer), /mean 1.000, 0, variance 4.000, 0\.$/);
});

test("reshaping keeps the order of the values, and says where one comes from", () => {
  const layer = row("r", "Reshape", { target_shape: [-1] }, [2, 2, 2], [8]);
  close(forward(alone(layer), {}, IMAGE).logits, [...IMAGE.data]);
  check_gradient(alone(layer), {}, IMAGE);
  assert.deepEqual(kind_of(layer).unit_source?.(layer, 5), { row: 1, column: 0, channel: 1 });
  const wide = row("r", "Reshape", { target_shape: [1, 4, 2] }, [2, 2, 2], [1, 4, 2]);
  assert.equal(kind_of(wide).unit_source?.(wide, 5), null);
  assert.deepEqual(trace(alone(wide), 0, 0, 3)[0], { r0: 0, r1: 1, c0: 0, c1: 1 }, "it may come from anywhere");
  const found = terms(alone(wide), {}, forward(alone(wide), {}, IMAGE), 0, 0, 3, 1);
  assert.ok(found.kind === "copy" && found.row === 1 && found.column === 1 && found.channel === 1);
});

test("the activations have the values that are known of them", () => {
  const known = {
    relu6: [0, 6], selu: [-1.52016, 8.40561], gelu: [-0.04550, 7.99999], hard_silu: [-0.33333, 8], mish: [-0.25250, 8],
    softplus: [0.12693, 8.00034], softsign: [-0.66667, 0.88889], hard_sigmoid: [0.16667, 1],
  };
  for (const [name, values] of Object.entries(known)) {
    const net = alone(row("a", "Activation", { activation: name }, [2], [2]));
    close(forward(net, {}, tensor([2], -2, 8)).layers[0].output.data, values, 2e-5);
    check_gradient(net, {}, tensor([2], -2, 1.5));
  }
});

test("a temperature above 1 brings probabilities closer together", () => {
  close(softmax([Math.log(9), 0]), [0.9, 0.1]);
  close(softmax([Math.log(9), 0], 2), [0.75, 0.25]);
});
