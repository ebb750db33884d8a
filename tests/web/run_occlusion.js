/**
 * What `test_explain_twin.py` runs: `node run_occlusion.js cases.json results.json` covers each case's picture with the
 * page's own module, and the gradient of the same class beside it.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { argv } from "node:process";

import { prepare } from "#web/core/forward.js";
import { gradient } from "#web/core/gradient.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { occlusion } from "#web/core/occlusion.js";

/** @type {(value: {shape: number[], numbers: number[]}) => import("#web/core/network.js").Tensor} */
const tensor = ({ shape, numbers }) => ({ shape, data: Float32Array.from(numbers) });

/** @type {(one: any) => any} */
function answer({ network, weights: packed, image: given, target, options }) {
  const weights = Object.fromEntries(Object.entries(packed).map(([name, value]) => [name, tensor(value)]));
  const [engine, image] = [prepare(network, weights), tensor(given)];
  const steps = [...occlusion(engine, image, target, options)];
  return {
    drop: [...steps[steps.length - 1].drop.data],
    gradient: [...gradient(network, weights, engine.run(image), target).data],
  };
}

const [, , cases, results] = argv;
/** @type {any[]} */
const asked = JSON.parse(readFileSync(cases, "utf8"));
await load_kinds(asked.flatMap(({ network }) => network.layers.map((/** @type {{kind: string}} */ row) => row.kind)));
writeFileSync(results, JSON.stringify(asked.map(answer)));
