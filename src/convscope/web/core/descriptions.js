// Training, data, machine and preprocessing, as labeled lines of text.

import { count_noun, format_duration } from "#web/core/formatting.js";
import { count } from "#web/core/scale.js";

/** @typedef {Record<string, any>} Json */
/** @typedef {[term: string, text: string]} Line */

const OPTIMIZERS = /** @type {Record<string, string>} */ ({
  adam: "Adam",
  sgd: "SGD with Nesterov momentum",
  muon: "Muon for the kernels",
});
const PARTS = ["train", "validation", "test"];

/** Options that have a line of their own below; any other is listed by its name. */
const DESCRIBED = new Set([
  "data", "model", "epochs", "batch_size", "optimizer", "learning_rate", "muon_learning_rate", "warmup", "label_smoothing",
  "weight_decay", "average", "shift", "rotate", "zoom", "shear", "whiten", "validation_fraction", "test_fraction", "size", "seed",
]);

/**
 * How the network was trained, from `Bundle.training`; missing fields are skipped.
 * @param {Json} training
 * @returns {Line[]}
 */
export function training_lines({ options = {}, outcome, seconds = {} }) {
  /** @type {(Line|false)[]} */
  const lines = [
    typeof options.epochs === "number" && ["Epochs", `${Number(options.epochs.toPrecision(4))}${outcome && outcome !== "finished" ? ` (${outcome})` : ""}`],
    typeof options.batch_size === "number" && ["Batch size", count(options.batch_size)],
    Boolean(options.optimizer) && ["Optimizer", optimizer(options)],
    options.warmup > 0 && ["Learning rate schedule", `one cycle: warmup over the first ${portion(options.warmup)} of the steps, then decay`],
    Boolean(options.optimizer) && ["Data augmentation", augmentation(options)],
    options.label_smoothing > 0 && ["Label smoothing", String(options.label_smoothing)],
    options.weight_decay > 0 && ["Weight decay", String(options.weight_decay)],
    options.average > 0 && ["Weight averaging", `over the last ${portion(options.average)} of the steps`],
    options.whiten === true && ["Initialization", "first convolution by patch whitening of the training images"],
    options.seed !== undefined && ["Random seed", String(options.seed)],
    typeof seconds.train === "number" && ["Training time", format_duration(seconds.train)],
  ];
  const rest = Object.keys(options).filter((name) => !DESCRIBED.has(name)).map((name) => /** @type {Line} */ ([name, String(options[name])]));
  return [...lines.filter((line) => line !== false), ...rest];
}

/**
 * The data it was trained on.
 * @param {Json} data `Bundle.training.data`
 * @returns {Line[]}
 */
export function data_lines(data) {
  const sizes = PARTS.filter((part) => data[part] > 0).map((part) => `${count(data[part])} for ${part === "train" ? "training" : part}`);
  const entries = Array.isArray(data.skipped) ? data.skipped : [];
  const skipped = entries.reduce((total, one) => total + Number(one?.count ?? 1), 0);
  /** @type {(Line|false)[]} */
  const lines = [
    Boolean(data.source) && ["Data", String(data.source)],
    sizes.length > 0 && ["Images", sizes.join(", ")],
    skipped > 0 && ["Skipped", count_noun(skipped, "file")],
    Boolean(data.train_fingerprint) && ["Training data fingerprint", String(data.train_fingerprint)],
    Boolean(data.test_fingerprint) && ["Test data fingerprint", String(data.test_fingerprint)],
  ];
  return lines.filter((line) => line !== false);
}

/**
 * The machine and the software versions.
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
 * The preprocessing of an image, step by step.
 * @param {Json} contract `Bundle.preprocessing`
 * @returns {string[]}
 */
export function preprocessing_steps({ height, width, channels, fit, polarity, background, decoding }) {
  const fits = /** @type {Record<string, string>} */ ({
    mnist: "Fit the digit into 20×20 pixels and center it by mass in 28×28, as in MNIST.",
    stretch: `Resize to ${height}×${width} pixels, ignoring the aspect ratio.`,
    pad: `Resize to fit into ${height}×${width} pixels, keeping the aspect ratio; pad with the border color.`,
    crop: `Resize to cover ${height}×${width} pixels, keeping the aspect ratio; crop to the center.`,
  });
  return [
    decoding === "draft" ? "Decode large JPEG files at a half, a quarter or an eighth of their size (in Python; the browser decodes them in full)." : "",
    background === undefined ? "" : `Replace transparency by ${background === 255 ? "white" : background === 0 ? "black" : `gray level ${background}`}.`,
    channels === 1 ? "Convert to grayscale." : "Convert to RGB.",
    polarity === "auto" ? "Invert dark strokes on a light background." : polarity === "invert" ? "Invert intensities." : "",
    fits[fit] ?? String(fit),
    "Divide by 255: inputs are in the range 0 to 1.",
  ].filter(Boolean);
}

/** @param {Json} options */
function optimizer({ optimizer: name, learning_rate, muon_learning_rate }) {
  if (name !== "muon") return `${OPTIMIZERS[name] ?? name}, maximum learning rate ${learning_rate}`;
  return `${OPTIMIZERS.muon}, maximum learning rate ${muon_learning_rate} (other weights: ${learning_rate})`;
}

/** @param {Json} options */
function augmentation({ shift, rotate, zoom, shear }) {
  const changes = [
    shift > 0 && `shift up to ${count_noun(shift, "pixel")}`,
    rotate > 0 && `rotation up to ${rotate}°`,
    zoom > 0 && `zoom up to ${portion(zoom)}`,
    shear > 0 && `shear up to ${shear} pixels per row`,
  ].filter(Boolean);
  return changes.length ? changes.join(", ") : "none";
}

/** @param {number} fraction */
const portion = (fraction) => `${Number((100 * fraction).toPrecision(3))} %`;
