// The background of drawings.

import { border_pixels, median } from "#web/core/polarity.js";

/**
 * The background of most images of a bundle, because a network may have been trained on dark ink.
 * @param {Record<string, any>} contract
 * @param {import("#web/core/bundle.js").Bytes} pixels the images, (n, h, w, c)
 * @returns {number} 0 or 255; 0 for digits framed as MNIST's, and for color
 */
export function paper_of({ fit }, { shape: [count, height, width, channels], data }) {
  if (fit === "mnist" || channels !== 1) return 0;
  const size = height * width;
  const borders = Array.from({ length: count }, (_, at) => median(border_pixels({ height, width, channels, data: data.subarray(at * size, (at + 1) * size) }, 0)));
  return borders.filter((level) => level > 127).length * 2 > count ? 255 : 0;
}
