// Whether the hyperparameters of a window fit together, and what would fit: the twin of shape_check.py, word for word.

import { axis_of, output_size, padding_split } from "#web/core/conv_arithmetic.js";
import { AXES } from "#web/core/hyperparameters.js";

/** @typedef {import("#web/core/conv_arithmetic.js").Window} Window */
/** @typedef {Required<import("#web/core/conv_arithmetic.js").AxisOptions> & {kernel_size: number}} Axis */
/** @typedef {{letter: string, sentence: string, hint: string}} ShapeProblem the hyperparameter's letter, what is wrong, what would fit */

/**
 * Why a combination has no output.
 * @param {Window} window
 * @param {{size: number[], channels: number, filters: number, groups: number, pools: boolean}} around `size` is rows and
 *     columns of the input; where it `pools`, padding is ignored, so that each window must contain a pixel
 * @returns {ShapeProblem|null} null where they fit
 */
export function check_shapes(window, { size, channels, filters, groups, pools }) {
  if (channels % groups || filters % groups) {
    const sentence = `G: ${groups} groups must divide the channels (${channels}) and the filters (${filters}).`;
    return { letter: "G", sentence, hint: `What would fit: G ${either(divisors(channels, filters))}.` };
  }
  for (const index of /** @type {const} */ ([0, 1])) {
    const axis = axis_of(window, index);
    if (outputs(size[index], axis) < 1) return too_large(size[index], axis, AXES[index]);
    if (pools && !has_a_pixel(size[index], axis)) return only_padding(size[index], axis, AXES[index]);
  }
  return null;
}

/**
 * The numbers that divide two others.
 * @param {number} one
 * @param {number} other
 * @returns {number[]} ascending, 1 first
 */
export function divisors(one, other) {
  return Array.from({ length: Math.min(one, other) }, (_, i) => i + 1).filter((g) => one % g === 0 && other % g === 0);
}

/** @param {number} size @param {Axis} axis @param {string} name @returns {ShapeProblem} */
function too_large(size, axis, name) {
  const [before, after] = padding_split(size, axis.kernel_size, axis);
  const dilated = axis.dilation_rate > 1 ? ` dilated by ${axis.dilation_rate}` : "";
  const padded = before + after ? `, with ${before} + ${after} of padding ${size + before + after}` : "";
  const reach = size + before + after - 1; // from the first place to the last; (K − 1) · D must not be more
  const rate = Math.floor(reach / (axis.kernel_size - 1));
  const padding = Math.ceil((extent(axis) - size) / 2);
  const ways = [
    `K up to ${Math.floor(reach / axis.dilation_rate) + 1}`,
    ...(rate ? [`D up to ${rate}`] : []),
    `P ${padding} or more`, "'same'", `or an input of ${extent(axis) - before - after} ${name} or more`,
  ];
  return {
    letter: "K",
    sentence: `K: a kernel of ${axis.kernel_size} ${name}${dilated} needs ${extent(axis)}, and the input has ${size}${padded}.`,
    hint: `What would fit: ${ways.join(", ")}.`,
  };
}

/** @param {number} size @param {Axis} axis @param {string} name @returns {ShapeProblem} */
function only_padding(size, axis, name) {
  const fits = [...Array(axis.kernel_size).keys()].filter((padding) => {
    const changed = { ...axis, padding };
    return outputs(size, changed) >= 1 && has_a_pixel(size, changed);
  });
  return {
    letter: "P",
    sentence: `P: some pooling windows would contain only padding in the ${name}, and padding has no maximum and no mean.`,
    hint: fits.length ? `What would fit: P ${either(fits)}.` : "Use a smaller dilation_rate.",
  };
}

/** Whether every window has a tap on a pixel. @param {number} size @param {Axis} axis */
function has_a_pixel(size, axis) {
  const [before] = padding_split(size, axis.kernel_size, axis);
  return Array.from({ length: outputs(size, axis) }, (_, output) => output * axis.strides - before).every((start) =>
    Array.from({ length: axis.kernel_size }, (_, tap) => start + tap * axis.dilation_rate).some((at) => at >= 0 && at < size));
}

/** @param {number} size @param {Axis} axis */
const outputs = (size, axis) => output_size(size, axis.kernel_size, axis);

/** @param {Axis} axis */
const extent = ({ kernel_size, dilation_rate }) => (kernel_size - 1) * dilation_rate + 1;

/** @param {number[]} ways at least one */
const either = (ways) => (ways.length === 1 ? `${ways[0]}` : `${ways.slice(0, -1).join(", ")} or ${ways[ways.length - 1]}`);
