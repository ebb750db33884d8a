// Dropout: active in training only.

import { value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").CopyTerms} CopyTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: { rate: undefined },
  describe: ({ config }) => word("layer.dropout", { percent: Math.round(config.rate * 100) }),
  forward: () => ([data]) => ({ result: data }),
  backward: ({ gradient }) => [gradient],
  terms: ({ inputs, r, c, channel, value }) => ({ kind: "copy", input: value_at(inputs[0], r, c, channel), row: r, column: c, channel, inside: true, value }),
  /** @param {CopyTerms} found */
  explain: ({ value }) => ({ equation: word("layer.unchanged", { value: short(value) }), parts: [] }),
  keeps_positions: true,
  elementwise: true,
  identity: true,
};
