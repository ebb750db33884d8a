/**
 * Occlusion maps: cover a patch, run the network, measure how much the logit of a class falls.
 *
 * @typedef {import("#web/core/network.js").Tensor} Tensor
 * @typedef {import("#web/core/forward.js").Engine} Engine
 * @typedef {{done: number, total: number, drop: Tensor}} Progress `drop` is the map so far, a new one each time.
 */

import { zeros } from "#web/core/network.js";

/**
 * The occlusion map, one patch per step, so that the page stays responsive between steps: `for (const step of occlusion(...))`.
 *
 * Source: Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014. We average over the patches
 * that cover a pixel.
 *
 * @param {Engine} engine From `prepare`.
 * @param {Tensor} image `(h, w, c)`, left unchanged.
 * @param {number} class_index
 * @param {{patch?: number, stride?: number, fill?: number}} [options] Side of the patch in pixels, pixels between two
 *     patches (at most `patch`, so that every pixel is covered), and the intensity of the patch.
 * @returns {Generator<Progress, Tensor>} The map `(h, w)`: by how much the logit falls when the pixel is covered, in
 *     logits; negative where it rises. Pixels that no patch has covered yet are 0.
 * @throws {Error} At the first step: there is no such class, or patch or stride is invalid.
 */
export function* occlusion(engine, image, class_index, { patch = 4, stride = 2, fill = 0 } = {}) {
  const logits = engine.run(image).logits;
  if (!(class_index in logits)) {
    throw new Error(`Expected a class from 0 to ${logits.length - 1}. Received: ${class_index}.`);
  }
  if (!(Number.isInteger(patch) && Number.isInteger(stride) && stride >= 1 && stride <= patch)) {
    throw new Error(`Expected whole numbers, 1 <= stride <= patch. Received: patch=${patch}, stride=${stride}.`);
  }
  const [height, width] = image.shape;
  const sums = new Float64Array(height * width);
  const counts = new Float64Array(height * width);
  const places = patches(height, width, patch, stride);
  let drop = zeros([height, width]);
  for (const [done, { top, left }] of places.entries()) {
    const change = logits[class_index] - engine.run(covered(image, top, left, patch, fill)).logits[class_index];
    each_pixel(image.shape, top, left, patch, (pixel) => {
      sums[pixel] += change;
      counts[pixel] += 1;
    });
    drop = { shape: [height, width], data: Float32Array.from(sums, (sum, pixel) => sum / (counts[pixel] || 1)) };
    yield { done: done + 1, total: places.length, drop };
  }
  return drop;
}

/** @type {(height: number, width: number, patch: number, stride: number) => {top: number, left: number}[]} */
function patches(height, width, patch, stride) {
  // from before the first pixel to past the last, so that all pixels are covered equally often
  const starts = (/** @type {number} */ size) =>
    Array.from({ length: Math.ceil((size + patch - 1) / stride) }, (_, index) => index * stride - patch + 1)
      .filter((start) => start + patch > 0 && start < size);
  return starts(height).flatMap((top) => starts(width).map((left) => ({ top, left })));
}

/** @type {(image: Tensor, top: number, left: number, patch: number, fill: number) => Tensor} */
function covered(image, top, left, patch, fill) {
  const [, , channels] = image.shape;
  const data = image.data.slice();
  each_pixel(image.shape, top, left, patch, (pixel) => data.fill(fill, pixel * channels, (pixel + 1) * channels));
  return { shape: image.shape, data };
}

/** @type {(shape: number[], top: number, left: number, patch: number, visit: (pixel: number) => void) => void} */
function each_pixel([height, width], top, left, patch, visit) {
  for (let r = Math.max(0, top); r < Math.min(height, top + patch); r += 1) {
    for (let c = Math.max(0, left); c < Math.min(width, left + patch); c += 1) visit(r * width + c);
  }
}
