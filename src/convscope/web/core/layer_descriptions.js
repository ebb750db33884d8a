// What a layer does, its arguments and its shapes, in words.

import { activation_of } from "#web/core/activations.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { count } from "#web/core/scale.js";
import { counted, word } from "#web/core/words.js";

/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */

/**
 * What a layer does, with its activation.
 * @param {LayerRow} row
 * @returns {string} one or more sentences
 */
export function describe_layer(row) {
  const { activation, describe } = kind_of(row);
  const last = activation ? "" : activation_of(row)?.describe();
  return [describe(row), last && word("layer.activation", { text: last })].filter(Boolean).join(" ");
}

/**
 * The arguments that differ from Keras's defaults: "32 filters, kernel_size 5×5, strides 2×2".
 * @param {LayerRow} row
 * @returns {string} "" for none
 */
export function arguments_text(row) {
  const { config } = row;
  const shown = Object.entries(kind_of(row).arguments).filter(([name, fallback]) => {
    const usual = typeof fallback === "function" ? fallback(config) : fallback;
    return config[name] !== null && config[name] !== undefined && text(config[name]) !== text(usual);
  });
  return shown.map(([name]) => (name === "filters" || name === "units" ? counted(name === "filters" ? "n.filters" : "n.units", config[name], { count: config[name] }) : `${name} ${text(config[name])}`)).join(", ");
}

/**
 * @param {number[]} shape
 * @returns {string} "26×26, 32 maps" or "128 values"
 */
export function shape_text(shape) {
  return shape.length === 3 ? `${by(shape.slice(0, 2))}, ${counted("n.maps", shape[2])}` : word("n.values", { count: count(shape[0]) });
}

/**
 * @param {number[]} pair
 * @returns {string} "3×3"
 */
export function by(pair) {
  return pair.join("×");
}

/**
 * The options of a convolution's window that are not the default.
 * @param {Record<string, any>} config
 * @returns {string} "" or sentences with a space before
 */
export function window_options({ strides, dilation_rate, groups = 1, padding }) {
  const options = [
    Math.max(...strides) > 1 && word("layer.strides", { size: by(strides) }),
    Math.max(...dilation_rate) > 1 && word("layer.dilation", { size: by(dilation_rate) }),
    groups > 1 && word("layer.groups", { count: groups }),
    padding === "same" && word("layer.same"),
  ].filter(Boolean).join(", ");
  return options && ` ${options[0].toUpperCase()}${options.slice(1)}.`;
}

/** @param {unknown} value @returns {string} */
const text = (value) => (Array.isArray(value) ? by(value.map((one) => (Array.isArray(one) ? one.join("+") : one))) : String(value));
