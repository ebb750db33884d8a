// How a network was trained and what happens to a picture before it, in words.

import { duration, many } from "#web/core/figures.js";
import { count } from "#web/core/scale.js";

/** @typedef {Record<string, any>} Json */
/** @typedef {[term: string, text: string]} Line */

const OPTIMIZERS = /** @type {Record<string, string>} */ ({
  adam: "Adam",
  sgd: "SGD with Nesterov momentum",
  muon: "Muon for the kernels (orthogonalised updates)",
});
const PARTS = ["train", "validation", "test"];

/** Options that have a sentence of their own below; any other is told by its name. */
const TOLD = new Set([
  "data", "model", "epochs", "batch_size", "optimizer", "learning_rate", "muon_learning_rate", "warmup", "label_smoothing",
  "weight_decay", "average", "shift", "rotate", "zoom", "shear", "whiten", "validation_fraction", "test_fraction", "size", "seed",
]);

/**
 * How it was trained, from `Bundle.training`; what an older record lacks is left out.
 * @param {Json} training
 * @returns {Line[]}
 */
export function training_lines({ options = {}, outcome, seconds = {} }) {
  /** @type {(Line|false)[]} */
  const lines = [
    typeof options.epochs === "number" && ["Length", `${Number(options.epochs.toPrecision(4))} ${options.epochs === 1 ? "epoch: each image was seen once" : "epochs: so often each image was seen"}, ${many(options.batch_size)} a step${outcome && outcome !== "finished" ? ` (${outcome})` : ""}`],
    Boolean(options.optimizer) && ["Optimizer", optimizer(options)],
    options.warmup > 0 && ["Learning rate", `rises over the first ${portion(options.warmup)} of the steps, then falls (one cycle)`],
    Boolean(options.optimizer) && ["Random changes of the pictures", augmentation(options)],
    options.label_smoothing > 0 && ["Label smoothing", `${portion(options.label_smoothing)} of each target spread over all classes`],
    options.weight_decay > 0 && ["Weight decay", String(options.weight_decay)],
    options.average > 0 && ["Weights", `the mean over the last ${portion(options.average)} of the steps`],
    options.whiten === true && ["Start", "the first convolution starts at the whitening of the training pictures' patches, not at random"],
    options.seed !== undefined && ["Seed", String(options.seed)],
    typeof seconds.train === "number" && ["Time", `${duration(seconds.train)} of training`],
  ];
  const rest = Object.keys(options).filter((name) => !TOLD.has(name)).map((name) => /** @type {Line} */ ([name, String(options[name])]));
  return [...lines.filter((line) => line !== false), ...rest];
}

/**
 * What it was trained on.
 * @param {Json} data `Bundle.training.data`
 * @returns {Line[]}
 */
export function data_lines(data) {
  const sizes = PARTS.filter((part) => data[part] > 0).map((part) => `${count(data[part])} ${part === "train" ? "to learn from" : `for ${part}`}`);
  const skipped = Array.isArray(data.skipped) ? data.skipped.length : 0;
  /** @type {(Line|false)[]} */
  const lines = [
    Boolean(data.source) && ["Data", String(data.source)],
    sizes.length > 0 && ["Images", sizes.join(", ")],
    skipped > 0 && ["Left out", `${many(skipped, "file")} that could not be read`],
    Boolean(data.train_fingerprint) && ["Fingerprint of the training images", String(data.train_fingerprint)],
    Boolean(data.test_fingerprint) && ["Fingerprint of the test images", String(data.test_fingerprint)],
  ];
  return lines.filter((line) => line !== false);
}

/**
 * On what machine, with which versions.
 * @param {Json} environment `Bundle.training.environment`
 * @returns {Line[]}
 */
export function machine_lines({ convscope, python, system, processor, cores, packages = {} }) {
  const versions = [convscope && `convscope ${convscope}`, python && `Python ${python}`, ...Object.entries(packages).map(([name, version]) => `${name} ${version}`)];
  const machine = [processor, cores && `${cores} ${cores === 1 ? "core" : "cores"}`, system].filter(Boolean).join(", ");
  /** @type {Line[]} */
  const lines = [["Machine", machine], ["Versions", versions.filter(Boolean).join(", ")]];
  return lines.filter(([, text]) => text);
}

/**
 * What happens to a picture before the network sees it, step by step.
 * @param {Json} contract `Bundle.preprocessing`
 * @returns {string[]}
 */
export function preprocessing_steps({ height, width, channels, fit, polarity, background }) {
  const fits = /** @type {Record<string, string>} */ ({
    mnist: "The ink is cut out, fitted into 20×20 pixels, and laid with its centre of mass in the middle of 28×28, as MNIST was made.",
    stretch: `It is resampled to ${height}×${width} pixels, whatever its proportions.`,
    pad: `It is resampled, in its proportions, to fit into ${height}×${width} pixels; the rest takes the colour of its border.`,
    crop: `It is resampled, in its proportions, to cover ${height}×${width} pixels; what stands out is cut off.`,
  });
  return [
    background === undefined ? "" : `Transparent pixels are laid on ${background === 255 ? "white" : background === 0 ? "black" : `grey level ${background}`}.`,
    channels === 1 ? "Colours become grey." : "Grey pictures get three equal colour channels.",
    polarity === "auto" ? "Dark ink on light paper is inverted to light ink on a dark ground." : polarity === "invert" ? "Light and dark are exchanged." : "",
    fits[fit] ?? String(fit),
    "Each byte is divided by 255, so that the network receives numbers from 0 to 1.",
  ].filter(Boolean);
}

/** @param {Json} options */
function optimizer({ optimizer: name, learning_rate, muon_learning_rate }) {
  if (name !== "muon") return `${OPTIMIZERS[name] ?? name}, learning rate at most ${learning_rate}`;
  return `${OPTIMIZERS.muon}, learning rate at most ${muon_learning_rate}; for all other weights at most ${learning_rate}`;
}

/** @param {Json} options */
function augmentation({ shift, rotate, zoom, shear }) {
  const said = [
    shift > 0 && `shifted by up to ${many(shift, "pixel")}`,
    rotate > 0 && `rotated by up to ${rotate}°`,
    zoom > 0 && `larger or smaller by up to ${portion(zoom)}`,
    shear > 0 && `slanted by up to ${shear} columns a row`,
  ].filter(Boolean);
  return said.length ? said.join(", ") : "none";
}

/** @param {number} share */
const portion = (share) => `${Number((100 * share).toPrecision(3))} %`;
