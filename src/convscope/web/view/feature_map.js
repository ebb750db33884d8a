// One feature map as an image, frames on it, and the color scale.

import { diverging, short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";
import { is_dark } from "#web/view/theme.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {import("#web/core/conv_arithmetic.js").Span} Span */

/**
 * Paint one channel, one canvas pixel per value; CSS enlarges it.
 * @param {HTMLCanvasElement} canvas
 * @param {Tensor} tensor (h, w, c), or (units,) as one row
 * @param {number} channel ignored for units
 * @param {number} most the magnitude of the scale's ends
 * @param {number} [until] only so many values, row by row; the rest stays empty
 */
export function paint_map(canvas, tensor, channel, most, until = Infinity) {
  const [height, width, channels] = tensor.shape.length === 3 ? tensor.shape : [1, tensor.shape[0], 1];
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  const first = tensor.shape.length === 3 ? channel : 0;
  const dark = is_dark();
  for (let i = 0; i < Math.min(width * height, until); i++) {
    const [red, green, blue] = diverging(tensor.data[i * channels + first], most, dark);
    image.data.set([red, green, blue, 255], 4 * i);
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/**
 * A frame over a map: place it with percentages, so that it follows the map's size.
 * @param {HTMLElement} frame
 * @param {Span|null|undefined} span null hides it
 * @param {number[]} shape of the map
 */
export function place_frame(frame, span, shape) {
  frame.hidden = !span;
  if (!span) return;
  const [height, width] = shape;
  frame.style.left = `${(100 * span.c0) / width}%`;
  frame.style.top = `${(100 * span.r0) / height}%`;
  frame.style.width = `${(100 * (span.c1 - span.c0 + 1)) / width}%`;
  frame.style.height = `${(100 * (span.r1 - span.r0 + 1)) / height}%`;
}

/**
 * The largest magnitude of each channel.
 * @param {Tensor} tensor
 * @returns {Float32Array}
 */
export function channel_magnitudes({ shape, data }) {
  const channels = shape[shape.length - 1];
  const most = new Float32Array(channels);
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i]);
    if (size > most[i % channels]) most[i % channels] = size;
  }
  return most;
}

/**
 * The scale about zero, with its ends in numbers.
 * @param {number} most the magnitude of the ends
 * @param {(value: number) => string} [format] number format
 * @returns {Node[]}
 */
export function legend(most, format = short) {
  return [
    h("span", { class: "number small" }, format(-most)),
    h("span", { class: "scale-bar", role: "img", "aria-label": word("scale.label") }),
    h("span", { class: "number small" }, `+${format(most)}`),
  ];
}
