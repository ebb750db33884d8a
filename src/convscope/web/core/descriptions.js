// Training, data, machine and preprocessing, as labeled lines of text.

import { format_duration } from "#web/core/formatting.js";
import { count } from "#web/core/scale.js";
import { counted, word } from "#web/core/words.js";

/** @typedef {Record<string, any>} Json */
/** @typedef {[term: string, text: string]} Line */

/** Keys of texts. */
const OPTIMIZERS = /** @type {Record<string, string>} */ ({
  sgd: "training.sgd",
  muon: "training.muon",
});
const PARTS = { train: "data.train", validation: "data.validation", test: "data.test" };

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
    typeof options.epochs === "number" && [word("training.epochs"), `${Number(options.epochs.toPrecision(4))}${outcome && outcome !== "finished" ? ` (${outcome})` : ""}`],
    typeof options.batch_size === "number" && [word("training.batch_size"), count(options.batch_size)],
    Boolean(options.optimizer) && [word("training.optimizer"), optimizer(options)],
    options.warmup > 0 && [word("training.schedule"), word("training.one_cycle", { portion: portion(options.warmup) })],
    Boolean(options.optimizer) && [word("training.augmentation"), augmentation(options)],
    options.label_smoothing > 0 && [word("training.smoothing"), String(options.label_smoothing)],
    options.weight_decay > 0 && [word("training.decay"), String(options.weight_decay)],
    options.average > 0 && [word("training.averaging"), word("training.over", { portion: portion(options.average) })],
    options.whiten === true && [word("training.initialization"), word("training.whitening")],
    options.seed !== undefined && [word("training.seed"), String(options.seed)],
    typeof seconds.train === "number" && [word("training.time"), format_duration(seconds.train)],
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
  const sizes = Object.entries(PARTS).filter(([part]) => data[part] > 0).map(([part, key]) => word(key, { count: count(data[part]) }));
  const entries = Array.isArray(data.skipped) ? data.skipped : [];
  const skipped = entries.reduce((total, one) => total + Number(one?.count ?? 1), 0);
  /** @type {(Line|false)[]} */
  const lines = [
    Boolean(data.source) && [word("about.data"), String(data.source)],
    sizes.length > 0 && [word("data.images"), sizes.join(", ")],
    skipped > 0 && [word("data.skipped"), counted("n.files", skipped)],
    Boolean(data.train_fingerprint) && [word("data.train_fingerprint"), String(data.train_fingerprint)],
    Boolean(data.test_fingerprint) && [word("data.test_fingerprint"), String(data.test_fingerprint)],
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
  const machine = [processor, cores && counted("n.cores", cores), system].filter(Boolean).join(", ");
  /** @type {Line[]} */
  const lines = [[word("machine.machine"), machine], [word("machine.versions"), versions.filter(Boolean).join(", ")]];
  return lines.filter(([, text]) => text);
}

/**
 * The preprocessing of an image, step by step.
 * @param {Json} contract `Bundle.preprocessing`
 * @returns {string[]}
 */
export function preprocessing_steps({ height, width, channels, fit, polarity, background, decoding }) {
  const fits = /** @type {Record<string, string>} */ ({
    mnist: "steps.mnist",
    stretch: "steps.stretch",
    pad: "steps.pad",
    crop: "steps.crop",
  });
  return [
    decoding === "draft" || decoding === "fast" ? word("steps.draft") : "",
    background === undefined ? "" : word("steps.background", { color: word(background === 255 ? "steps.white" : background === 0 ? "steps.black" : "steps.gray_level", { level: background }) }),
    word(channels === 1 ? "steps.gray" : "steps.rgb"),
    polarity === "auto" ? word("steps.auto") : polarity === "invert" ? word("steps.invert") : "",
    fits[fit] ? word(fits[fit], { size: `${height}×${width}` }) : String(fit),
    word("steps.divide"),
  ].filter(Boolean);
}

/** @param {Json} options */
function optimizer({ optimizer: name, learning_rate, muon_learning_rate }) {
  const title = OPTIMIZERS[name] ? word(OPTIMIZERS[name]) : name === "adam" ? "Adam" : name;
  if (name !== "muon") return word("training.rate", { optimizer: title, rate: learning_rate });
  return word("training.rates", { optimizer: title, rate: muon_learning_rate, other: learning_rate });
}

/** @param {Json} options */
function augmentation({ shift, rotate, zoom, shear }) {
  const changes = [
    shift > 0 && word("training.shift", { pixels: counted("n.pixels", shift) }),
    rotate > 0 && word("training.rotation", { degrees: rotate }),
    zoom > 0 && word("training.zoom", { portion: portion(zoom) }),
    shear > 0 && word("training.shear", { pixels: shear }),
  ].filter(Boolean);
  return changes.length ? changes.join(", ") : word("none");
}

/** @param {number} fraction */
const portion = (fraction) => `${Number((100 * fraction).toPrecision(3))} %`;
