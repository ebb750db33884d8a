/**
 * What `test_forward_twin.py` runs: `node run_forward.js cases.json results.json` computes each case of the first file
 * with the page's own modules and writes what came out, arrays as base64.
 *
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {{shape: number[], base64: string}} ArrayJson
 */

import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";

import { prepare } from "#web/core/forward.js";
import { gradient } from "#web/core/gradient.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { terms } from "#web/core/terms.js";

/** @type {(array: ArrayJson) => Tensor} */
function read_tensor({ shape, base64 }) {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return { shape, data: new Float32Array(bytes.buffer) };
}

/** @type {(tensor: Tensor | null) => ArrayJson | null} */
function write_tensor(tensor) {
  if (!tensor) return null;
  const { buffer, byteOffset, byteLength } = tensor.data;
  return { shape: tensor.shape, base64: Buffer.from(buffer, byteOffset, byteLength).toString("base64") };
}

/** @type {(one: any) => any} */
function answer({ network, weights: packed, image, off, places = [], classes = [] }) {
  const weights = Object.fromEntries(Object.entries(packed).map(([name, value]) => [name, read_tensor(value)]));
  const activations = prepare(network, weights).run(read_tensor(image), { off });
  return {
    layers: activations.layers.map(({ name, output, pre_activation, depthwise }) => ({
      name,
      output: write_tensor(output),
      pre_activation: write_tensor(pre_activation),
      depthwise: write_tensor(depthwise),
    })),
    logits: Array.from(activations.logits),
    probabilities: Array.from(activations.probabilities),
    gradients: classes.map((/** @type {number} */ class_index) =>
      write_tensor(gradient(network, weights, activations, class_index, { off }))),
    terms: places.map((/** @type {[number, number, number, number]} */ [layer, r, c, channel]) =>
      terms(network, weights, activations, layer, r, c, channel, { limit: 5 })),
  };
}

const [, , cases, results] = argv;
/** @type {any[]} */
const asked = JSON.parse(readFileSync(cases, "utf8"));
await load_kinds(asked.flatMap(({ network }) => network.layers.map((/** @type {{kind: string}} */ row) => row.kind)));
writeFileSync(results, JSON.stringify(asked.map(answer)));
