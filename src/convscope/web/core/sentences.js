// What each layer does, in one plain sentence.

import { count } from "#web/core/scale.js";

/** @typedef {import("#web/bundle.d.ts").LayerJson} LayerJson */

/** @param {number[]} pair @returns {string} */
const by = (pair) => pair.join("×");

/** @type {Record<string, string>} */
const ACTIVATIONS = {
  linear: "",
  relu: " Then negative values become zero (ReLU).",
  leaky_relu: " Then negative values shrink to a fifth (leaky ReLU).",
  elu: " Then negative values are bent towards −1 (ELU).",
  silu: " Then each value is multiplied by its own sigmoid (SiLU).",
  sigmoid: " Then each value is squeezed between 0 and 1 (sigmoid).",
  tanh: " Then each value is squeezed between −1 and 1 (tanh).",
  softmax: " Then the values become probabilities that sum to 1 (softmax).",
};

/** @type {Record<string, (row: LayerJson) => string>} */
const SENTENCES = {
  Conv2D: ({ config, input_shape }) =>
    `${config.filters} filters slide over the ${count_of(input_shape)}: at each place a ${by(config.kernel_size)} window is multiplied, number by number, with the filter's own weights and summed up.` +
    details(config),
  DepthwiseConv2D: ({ config }) =>
    `Each map gets ${config.depth_multiplier === 1 ? "a window" : config.depth_multiplier + " windows"} of its own, ${by(config.kernel_size)}, and is not mixed with the others.` + details(config),
  SeparableConv2D: ({ config }) =>
    `First each map alone gets a ${by(config.kernel_size)} window, then ${config.filters} weighted sums mix the maps, pixel by pixel.` + details(config),
  MaxPooling2D: ({ config }) => `Of each ${by(config.pool_size)} window only the largest value is kept: the maps get smaller, the strongest signs stay.`,
  AveragePooling2D: ({ config }) => `Each ${by(config.pool_size)} window is replaced by its mean: the maps get smaller.`,
  GlobalAveragePooling2D: () => "Each map becomes one number: its mean.",
  BatchNormalization: () => "Each map is shifted and scaled to the range that was usual in training.",
  ReLU: () => "Negative values become zero: what does not match stays silent.",
  Activation: ({ config }) => (ACTIVATIONS[config.activation] || " Nothing happens.").trim().replace(/^Then (.)/, (_, first) => first.toUpperCase()),
  Softmax: () => "The scores become probabilities that sum to 1.",
  Dropout: ({ config }) => `In training, ${Math.round(config.rate * 100)} % of the values were switched off at random, so that none is relied on alone; now nothing happens here.`,
  Flatten: () => "All maps are laid out in one long row of numbers.",
  Dense: ({ config, input_shape }) => `Each of ${config.units} units sums all ${count(input_shape[0])} numbers, each with a weight of its own.`,
};

/**
 * @param {LayerJson} row
 * @returns {string}
 */
export function sentence(row) {
  const activation = row.kind === "Activation" ? "" : ACTIVATIONS[row.config.activation ?? "linear"];
  return (SENTENCES[row.kind]?.(row) ?? "") + activation;
}

/** @param {number[]} shape @returns {string} */
export function shape_text(shape) {
  return shape.length === 3 ? `${shape[0]}×${shape[1]}, ${shape[2]} ${shape[2] === 1 ? "map" : "maps"}` : `${count(shape[0])} numbers`;
}

/** @param {number[]} shape */
const count_of = (shape) => (shape[2] === 1 ? "picture" : `${shape[2]} maps`);

/** @param {Record<string, any>} config */
function details(config) {
  const said = [];
  if (Math.max(...config.strides) > 1) said.push(`moves ${by(config.strides)} pixels at a time`);
  if (Math.max(...config.dilation_rate) > 1) said.push(`looks at pixels ${by(config.dilation_rate)} apart`);
  if (config.groups > 1) said.push(`sees only its own of ${config.groups} groups of maps`);
  if (config.padding === "same") said.push("takes zeros where it hangs over the edge");
  return said.length ? ` It ${said.join(", ")}.` : "";
}
