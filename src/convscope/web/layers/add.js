// Add: the sum of its inputs, element by element.

import { value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { listed, word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").SumTerms} SumTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: {},
  describe: ({ inputs = [] }) => word("layer.add", { inputs: listed(inputs) }),
  forward: () => (inputs) => {
    const sums = Float64Array.from(inputs[0]);
    for (const data of inputs.slice(1)) for (let at = 0; at < sums.length; at += 1) sums[at] += data[at];
    return { result: Float32Array.from(sums) };
  },
  backward: ({ inputs, gradient }) => inputs.map(() => gradient),
  terms: ({ inputs, r, c, channel, value }) => ({ kind: "sum", inputs: inputs.map((input) => value_at(input, r, c, channel)), value }),
  /** @param {SumTerms} found */
  explain: ({ inputs, value }, names) => ({
    equation: `${inputs.map(short).join(" + ")} = ${short(value)}`,
    parts: [{ type: "text", text: names.inputs.map((name, index) => `${name}: ${short(inputs[index])}`).join("; ") }],
  }),
  keeps_positions: true,
};
