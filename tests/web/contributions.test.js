import assert from "node:assert/strict";
import { test } from "node:test";

import { columns_of } from "#web/core/columns.js";
import { contributions, sum_maps } from "#web/core/contributions.js";
import { edge_contributions, reader_contributions } from "#web/core/edge_contributions.js";
import { prepare } from "#web/core/forward.js";
import { kind_of, load_kinds } from "#web/core/layer_kinds.js";
import { digits_for, round_sum } from "#web/core/written_sum.js";

await load_kinds([
  "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D",
  "BatchNormalization", "LayerNormalization", "ReLU", "LeakyReLU", "Activation", "Softmax", "Dropout", "Flatten", "Dense", "Add",
  "Concatenate", "ZeroPadding2D", "Rescaling", "Normalization", "Reshape",
]);

/** Numbers from -1 to 1 that depend only on the seed. @param {number} seed */
function random(seed) {
  let state = seed + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  };
}

/** @type {(shape: number[], next: () => number) => {shape: number[], data: Float32Array}} */
const drawn = (shape, next) => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next) });

const WINDOW = { kernel_size: [3, 2], strides: [1, 1], padding: "same", dilation_rate: [1, 1], groups: 1, use_bias: true, activation: "linear" };

/** Layers that keep (6, 5, 4), by name. @type {Record<string, [string, object]>} */
const KEEPING = {
  convolution: ["Conv2D", { ...WINDOW, filters: 4, groups: 2, activation: "relu" }],
  tanh: ["Conv2D", { ...WINDOW, filters: 4, dilation_rate: [2, 1], activation: "tanh" }],
  depthwise: ["DepthwiseConv2D", { ...WINDOW, depth_multiplier: 1 }],
  separable: ["SeparableConv2D", { ...WINDOW, filters: 4, depth_multiplier: 2, activation: "sigmoid" }],
  batch: ["BatchNormalization", { epsilon: 1e-3, center: true, scale: true }],
  layer: ["LayerNormalization", { epsilon: 1e-3, center: true, scale: true }],
  relu: ["ReLU", {}],
  leaky: ["LeakyReLU", { negative_slope: 0.2 }],
  gelu: ["Activation", { activation: "gelu" }],
  hard: ["Activation", { activation: "hard_sigmoid" }],
  dropout: ["Dropout", { rate: 0.5 }],
  rescaling: ["Rescaling", { scale: 2, offset: -0.3 }],
  normalization: ["Normalization", { mean: [0.2], variance: [0.5] }],
  maximum: ["MaxPooling2D", { pool_size: [2, 2], strides: [1, 1], padding: "same" }],
  mean: ["AveragePooling2D", { pool_size: [3, 2], strides: [1, 1], padding: "same" }],
};

/**
 * A network of some of these, in a row; with `branches` an Add of the first and the last, and a Concatenate.
 * @param {string[]} names @param {{branches?: boolean, head?: string, seed?: number, biases?: boolean}} [options]
 */
function built(names, { branches = false, head = "Flatten", seed = 1, biases = true } = {}) {
  const next = random(seed);
  /** @type {any[]} */
  const layers = [];
  /** @type {(kind: string, config: any, input_shape: number[], output_shape: number[], inputs: string[]) => string} */
  const add = (kind, config, input_shape, output_shape, inputs) => {
    layers.push({ name: `l${layers.length}`, kind, config, input_shape, output_shape, inputs, parameters: 0, multiply_adds: 0, receptive_field: null });
    return `l${layers.length - 1}`;
  };
  const shape = [6, 5, 4];
  let last = "input";
  for (const name of names) last = add(KEEPING[name][0], KEEPING[name][1], shape, shape, [last]);
  let channels = 4;
  if (branches) {
    const sum = add("Add", {}, shape, shape, ["l0", last, "l0"]);
    last = add("Concatenate", {}, shape, [6, 5, 8], [sum, "l0"]);
    last = add("ZeroPadding2D", { padding: [[1, 0], [0, 2]] }, [6, 5, 8], [7, 7, 8], [last]);
    channels = 8;
  }
  const side = branches ? [7, 7, 8] : shape;
  const units = head === "Flatten" ? side[0] * side[1] * side[2] : channels;
  last = add(head, {}, side, [units], [last]);
  last = add("Dense", { units: 3, activation: "linear", use_bias: true }, [units], [3], [last]);
  add("Softmax", {}, [3], [3], [last]);
  /** @type {Record<string, any>} */
  const weights = {};
  for (const row of layers) {
    for (const [name, sides] of Object.entries(kind_of(row).weight_shapes?.(row) ?? {})) {
      const tensor = drawn(sides, next);
      if (name === "moving_variance") tensor.data = tensor.data.map((value) => 1 + value / 2);
      if (!biases && /bias|beta|mean/.test(name)) tensor.data.fill(0);
      weights[`${row.name}/${name}`] = tensor;
    }
  }
  return { network: { name: "n", input_shape: shape, num_classes: 3, parameters: 0, multiply_adds: 0, layers }, weights, image: drawn(shape, next) };
}

/** @param {number} actual @param {number} expected @param {string} what @param {number} [scale] */
function near(actual, expected, what, scale = Math.abs(expected)) {
  assert.ok(Math.abs(actual - expected) <= 1e-3 * Math.max(scale, 0.05), `${what}: ${actual} is not ${expected}`);
}

const total = (/** @type {Iterable<number>} */ values) => [...values].reduce((sum, value) => sum + value, 0);

/**
 * What a layer adds whatever its inputs are, times its multipliers: written down again, kind by kind.
 * @param {any} row @param {Record<string, any>} weights @param {any} found @param {number} index @param {any[]} inputs
 */
function expected_constant(row, weights, found, index, inputs) {
  const channels = row.output_shape.at(-1);
  const inside = found.before_activation[index];
  const per_channel = sum_maps(new Float32Array(inside.length).fill(1), inside, channels);
  const weight = (/** @type {string} */ name) => weights[`${row.name}/${name}`]?.data;
  const after = { sigmoid: 0.5, hard_sigmoid: 0.5 }[/** @type {string} */ (row.config.activation)] ?? 0;
  let constant = after * total(found.at_output[index]);
  if (weight("bias")) constant += total(weight("bias").map((/** @type {number} */ b, /** @type {number} */ k) => b * per_channel[k]));
  if (row.kind === "BatchNormalization") {
    for (let k = 0; k < channels; k += 1) constant += per_channel[k] * (weight("beta")[k] - (weight("moving_mean")[k] * weight("gamma")[k]) / Math.sqrt(weight("moving_variance")[k] + 1e-3));
  }
  if (row.kind === "Rescaling") constant += row.config.offset * total(per_channel);
  if (row.kind === "Normalization") constant -= (0.2 / Math.sqrt(0.5)) * total(per_channel);
  if (row.kind === "LayerNormalization") {
    for (let at = 0; at < inside.length; at += channels) {
      const values = [...inputs[0].slice(at, at + channels)];
      const mean = total(values) / channels;
      const deviation = Math.sqrt(total(values.map((value) => (value - mean) ** 2)) / channels + 1e-3);
      for (let k = 0; k < channels; k += 1) constant += inside[at + k] * (weight("beta")[k] - (mean * weight("gamma")[k]) / deviation);
    }
  }
  return constant;
}

/** @param {ReturnType<typeof built>} given @param {string} what */
function check(given, what) {
  const { network, weights, image } = given;
  const activations = prepare(network, weights).run(image);
  for (let k = 0; k < 3; k += 1) {
    const found = contributions(network, weights, activations, k);
    const scale = Math.max(Math.abs(found.logit), ...found.constants.map(Math.abs));
    const constants = network.layers.map((row, index) => {
      const inputs = row.inputs.map((/** @type {string} */ name) => (name === "input" ? image : activations.layers[Number(name.slice(1))].output).data);
      const expected = found.before_activation[index] ? expected_constant(row, weights, found, index, inputs) : 0;
      near(found.constants[index], expected, `${what}, class ${k}: the constant of ${row.kind}`, scale);
      return expected;
    });
    near(total(sum_maps(image.data, found.at_image, 4)) + total(constants), activations.logits[k], `${what}, class ${k}: the image and the constants`, scale);
  }
}

for (const name of Object.keys(KEEPING)) {
  test(`contributions of the image and the constants sum to the logit: ${name}`, () => {
    check(built([name]), name);
    check(built(["convolution", name, "relu"], { seed: 2 }), `convolution, ${name}, relu`);
  });
}

for (const head of ["GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten"]) {
  test(`contributions sum to the logit with branches, through ${head}`, () => check(built(["tanh", "batch", "maximum"], { branches: true, head, seed: 3 }), head));
}

test("contributions sum to the logit in random networks", () => {
  const names = Object.keys(KEEPING);
  for (let seed = 10; seed < 30; seed += 1) {
    const next = random(seed);
    const chosen = Array.from({ length: 2 + (seed % 4) }, () => names[Math.floor(((next() + 1) / 2) * names.length)]);
    check(built(chosen, { seed, branches: seed % 3 === 0, head: seed % 2 ? "Flatten" : "GlobalAveragePooling2D" }), chosen.join(", "));
  }
});

test("without biases the maps of every layer sum to the logit, and so do the pixels times central differences", () => {
  const { network, weights, image } = built(["convolution", "maximum", "separable", "relu", "mean"].map((name) => (name === "separable" ? "depthwise" : name)), { biases: false, seed: 5 });
  const engine = prepare(network, weights);
  const activations = engine.run(image);
  const found = contributions(network, weights, activations, 1);
  activations.layers.slice(0, -1).forEach(({ output }, index) =>
    near(total(sum_maps(output.data, found.at_output[index], output.shape.at(-1) ?? 1)), activations.logits[1], network.layers[index].kind));
  const step = 1e-3;
  const moved = (/** @type {number} */ at, /** @type {number} */ by) =>
    engine.run({ ...image, data: image.data.map((value, i) => (i === at ? value + by : value)) }).logits[1];
  const slopes = [...image.data].map((value, at) => (value * (moved(at, step) - moved(at, -step))) / (2 * step));
  near(total(slopes), activations.logits[1], "central differences");
});

test("an edge carries what is missing when its map is set to 0", () => {
  for (const name of ["convolution", "depthwise", "separable", "maximum", "mean"]) {
    const { network, weights, image } = built(["rescaling", name], { seed: 7 });
    const activations = prepare(network, weights).run(image);
    const { inputs: [before], multipliers } = { inputs: [activations.layers[0].output], multipliers: contributions(network, weights, activations, 2).before_activation[1] };
    const row = network.layers[1];
    const step = kind_of(row).forward(row, (weight) => weights[`l1/${weight}`] ?? null);
    const all = step([before.data]).result;
    for (let map = 0; map < 4; map += 1) {
      // what a maximum loses depends on the other pixels of the same map, which all go
      const less = step([before.data.map((value, at) => (at % 4 === map ? 0 : value))]).result;
      for (let channel = 0; channel < 4; channel += 1) {
        const expected = total(all.map((value, at) => (at % 4 === channel ? (value - less[at]) * (multipliers?.[at] ?? 0) : 0)));
        near(edge_contributions(network, weights, activations, 1, channel, multipliers ?? undefined)[0][map], expected, `${name}, ${map} to ${channel}`, 1);
      }
    }
  }
});

test("what a map adds to each map that reads it is what those maps read of it", () => {
  const { network, weights, image } = built(["convolution", "tanh", "batch"], { seed: 9, branches: true });
  const activations = prepare(network, weights).run(image);
  network.layers.forEach((row, index) => {
    if (!["Conv2D", "Add", "Concatenate", "Flatten", "Dense"].includes(row.kind)) return;
    const sources = row.inputs.map((/** @type {string} */ name) => (name === "input" ? -1 : Number(name.slice(1))));
    const added = reader_contributions(network, weights, activations, index, sources[0], 2);
    added.forEach((amount, channel) => {
      const read = edge_contributions(network, weights, activations, index, channel);
      const expected = sources.reduce((/** @type {number} */ sum, /** @type {number} */ source, /** @type {number} */ n) => sum + (source === sources[0] ? read[n][2] : 0), 0);
      near(amount, expected, `${row.kind} ${channel}`, 1);
    });
  });
});

test("a channel that is off contributes nothing", () => {
  const { network, weights, image } = built(["convolution", "batch"], { seed: 8 });
  const off = { l0: [1], l1: [2] };
  const activations = prepare(network, weights).run(image, { off });
  const found = contributions(network, weights, activations, 0, { off });
  near(total(sum_maps(image.data, found.at_image, 4)) + total(found.constants), activations.logits[0], "off");
  assert.equal(sum_maps(activations.layers[0].output.data, found.at_output[0], 4)[1], 0);
  assert.throws(() => contributions(network, weights, activations, 3), /class from 0 to 2\. Received: 3/);
});

test("layers that keep their maps belong to the column of the layer before, unless another layer reads it too", () => {
  const { network } = built(["convolution", "batch", "relu", "mean", "dropout"]);
  assert.deepEqual(columns_of(network).map(({ main, tail, sources }) => [main, tail, sources]), [[-1, -1, []], [0, 2, [0]], [3, 4, [1]], [5, 5, [2]], [6, 7, [3]]]);
  const branched = columns_of(built(["convolution", "relu"], { branches: true }).network);
  assert.deepEqual(branched.map(({ main, tail, sources }) => [main, tail, sources]), [[-1, -1, []], [0, 0, [0]], [1, 1, [1]], [2, 2, [1, 2]], [3, 4, [3, 1]], [5, 5, [4]], [6, 7, [5]]]);
  assert.deepEqual(columns_of(built(["rescaling", "convolution"]).network)[0], { main: -1, layers: [0], tail: 0, sources: [], shape: [6, 5, 4], maps: 1 });
});

test("printed terms add up to the printed total, and none is moved by more than one digit", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const next = random(seed);
    const terms = Array.from({ length: 1 + (seed % 30) }, () => (next() > 0.6 ? 0 : next() * 10 ** (seed % 5)));
    for (const digits of [0, 2, 3]) {
      const { terms: printed, total: sum, part } = round_sum(terms, digits);
      const unit = 10 ** -digits;
      assert.equal(Math.round(total(printed.map((text) => Math.round(Number(text) / unit)))), Math.round(Number(sum) / unit));
      assert.ok(Math.abs(Number(sum) - total(terms)) <= unit / 2 + 1e-9);
      printed.forEach((text, at) => assert.ok(Math.abs(Number(text) - terms[at]) < 1.5 * unit && !/^-0(\.0*)?$/.test(text) && (terms[at] !== 0 || Number(text) === 0)));
      assert.equal(part(0, terms.length), sum);
    }
  }
  assert.deepEqual(round_sum([1 / 3, 1 / 3, 1 / 3], 2).terms, ["0.34", "0.33", "0.33"]);
  assert.deepEqual([digits_for([0.5, 3]), digits_for([0.004]), digits_for([]), digits_for([1e-20])], [2, 5, 2, 8]);
});
