// Rescaling: scale × x + offset.

import { value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";

/** @typedef {import("#web/layer_kind.d.ts").AffineTerms} AffineTerms */

/** @type {import("#web/layer_kind.d.ts").LayerKind} */
export default {
  arguments: { scale: undefined, offset: 0 },
  describe: ({ config }) => word(config.offset ? "layer.rescaling_offset" : "layer.rescaling", { scale: short(config.scale), offset: short(config.offset ?? 0) }),
  forward: ({ config: { scale, offset } }) => ([data]) => ({ result: data.map((value) => value * scale + offset) }),
  backward: ({ row: { config }, gradient }) => [gradient.map((value) => value * config.scale)],
  terms: ({ row: { config }, inputs, r, c, channel, value }) =>
    ({ kind: "affine", input: value_at(inputs[0], r, c, channel), scale: config.scale, offset: config.offset, value }),
  /** @param {AffineTerms} found */
  explain: ({ input, scale, offset, value }) => ({ equation: `${short(input)} × ${short(scale)} + ${short(offset)} = ${short(value)}`, parts: [] }),
  keeps_positions: true,
  elementwise: true,
};
