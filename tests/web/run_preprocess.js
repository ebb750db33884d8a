// Reads a JSON file of pictures (bytes in base64) and contracts, prints what `frame` makes of them the same way.

import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";

import { warnings_of } from "#web/core/ink_report.js";
import { frame } from "#web/core/preprocess.js";

/** @typedef {{preprocessing: import("#web/core/contract.js").Contract, shape: number[], pixels: string}} Case */

/** @type {Case[]} */
const cases = JSON.parse(readFileSync(argv[2], "utf8"));

const results = cases.map(({ preprocessing, shape: [height, width, channels], pixels }) => {
  const { pixels: result, digits, report } = frame({ height, width, channels, data: Buffer.from(pixels, "base64") }, preprocessing);
  const shape = [result.height, result.width, result.channels];
  const [first, ...others] = [result, ...digits].map(({ data }) => Buffer.from(data).toString("base64"));
  return { shape, pixels: first, digits: others, report, warnings: warnings_of(report) };
});
stdout.write(JSON.stringify(results));
