// Reads a JSON file of cases from Python, prints the answers of the page's score.

import { readFileSync } from "node:fs";
import { argv, stdout } from "node:process";

import { averaged, familiarity, projected, variation_excess } from "#web/core/out_of_distribution.js";

/** @typedef {{levels: number[], shape: number[], values: number[], grid: number[], logits: number[], is_constant: boolean}} Case */

/** @type {{center: number[], directions: number[], rejection: any, cases: Case[]}} */
const { center, directions, rejection, cases } = JSON.parse(readFileSync(argv[2], "utf8"));
const subspace = { center: Float32Array.from(center), directions: Float32Array.from(directions) };

stdout.write(
  JSON.stringify(
    cases.map(({ levels, shape, values, grid, logits, is_constant }) => {
      const features = averaged(Float32Array.from(values), grid);
      const residual = projected(features, subspace).residual + variation_excess(levels, shape, rejection.variation);
      return { features: [...features], ...familiarity({ logits, residual, is_constant }, rejection) };
    }),
  ),
);
