// Reads a JSON file of pictures (bytes in base64) and contracts, prints what `preprocess` makes of them the same way.

import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";

import { preprocess } from "#web/core/preprocess.js";

/** @typedef {{preprocessing: import("#web/core/contract.js").Contract, shape: number[], pixels: string}} Case */

/** @type {Case[]} */
const cases = JSON.parse(readFileSync(argv[2], "utf8"));

const results = cases.map(({ preprocessing, shape: [height, width, channels], pixels }) => {
  const result = preprocess({ height, width, channels, data: Buffer.from(pixels, "base64") }, preprocessing);
  const shape = [result.height, result.width, result.channels];
  return { shape, pixels: Buffer.from(result.data).toString("base64") };
});
stdout.write(JSON.stringify(results));
