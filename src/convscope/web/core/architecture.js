// A layer's arguments, as far as they differ from what one expects.

/** @typedef {import("#web/bundle.d.ts").LayerJson} LayerJson */

/** In the order of a Keras call; the others follow by name. */
const FIRST = ["filters", "units", "kernel_size", "pool_size", "rate", "strides", "padding", "activation"];
const HIDDEN = new Set(["kernel_initializer", "momentum", "epsilon"]);
const USUAL = /** @type {Record<string, unknown>} */ ({
  activation: "linear", padding: "valid", dilation_rate: 1, groups: 1, use_bias: true, center: true, scale: true, depth_multiplier: 1,
});

/**
 * The arguments in a few words: "32 filters, kernel_size 5×5, strides 2×2".
 * @param {LayerJson} row
 * @returns {string} "" for none worth telling
 */
export function call_text({ config }) {
  const told = Object.keys(config).filter((name) => !HIDDEN.has(name) && !usual(name, config));
  const ordered = [...FIRST.filter((name) => told.includes(name)), ...told.filter((name) => !FIRST.includes(name)).sort()];
  return ordered.map((name) => (name === "filters" || name === "units" ? `${config[name]} ${name}` : `${name} ${text(config[name])}`)).join(", ");
}

/** @param {string} name @param {Record<string, any>} config */
function usual(name, config) {
  const value = config[name];
  if (value === null || value === undefined) return true;
  // Keras moves a pooling window by its own size unless told otherwise, every other window by 1.
  if (name === "strides") return text(value) === text(config.pool_size ?? [1, 1]);
  const same = Array.isArray(value) ? value.every((side) => side === USUAL[name]) : value === USUAL[name];
  return same && name in USUAL;
}

/** @param {unknown} value */
const text = (value) => (Array.isArray(value) ? value.join("×") : String(value));
