// The page proves itself: it computes again what TensorFlow computed, and says how far apart they are.

import { floats, unpack_all } from "#web/core/bundle.js";
import { count } from "#web/core/network.js";

/** @typedef {import("#web/core/lens.js").Lens} Lens */

/** A float32 sum of hundreds of products in another order differs by 1e-6 of its terms; a wrong weight by far more. */
export const TOLERANCE = 1e-4;

/**
 * @typedef {object} Verdict
 * @property {boolean} holds
 * @property {number} logits the largest difference of a logit, relative where logits are above 1
 * @property {number} layers the same over the kept values of all layers
 * @property {string} worst the layer that differs most; "" for none
 * @property {number} images how many were compared
 * @property {number} values how many numbers were compared
 */

/**
 * @param {Lens} lens
 * @returns {Verdict}
 * @throws {Error} The proof does not fit the network.
 */
export function prove(lens) {
  const { proof, network } = lens.bundle;
  const images = floats(proof.images);
  const logits = floats(proof.logits);
  const samples = unpack_all(proof.samples);
  const size = count(network.input_shape);
  const verdict = { holds: false, logits: 0, layers: 0, worst: "", images: images.shape[0], values: 0 };
  const most = Object.fromEntries(Object.entries(samples).map(([name, { data }]) => [name, scale(data)]));
  const logit_scale = scale(logits.data);
  for (let n = 0; n < verdict.images; n++) {
    const image = { shape: network.input_shape, data: images.data.slice(n * size, (n + 1) * size) };
    const { layers, logits: ours } = lens.run(image);
    const k = network.num_classes;
    verdict.logits = Math.max(verdict.logits, apart(ours, logits.data, n * k, k, (i) => i) / logit_scale);
    verdict.values += k;
    for (const { name, output } of layers.slice(0, -1)) {
      const kept = samples[name].shape[1];
      const length = output.data.length;
      const difference = apart(output.data, samples[name].data, n * kept, kept, (i) => Math.floor((i * length) / kept));
      verdict.values += kept;
      if (difference / most[name] > verdict.layers) Object.assign(verdict, { layers: difference / most[name], worst: name });
    }
  }
  verdict.holds = verdict.images > 0 && verdict.logits <= TOLERANCE && verdict.layers <= TOLERANCE;
  return verdict;
}

/** @param {Float32Array} values */
function scale(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
}

/**
 * The largest difference; infinite where a number is not one.
 * @param {Float32Array} ours @param {Float32Array} theirs @param {number} start @param {number} length
 * @param {(i: number) => number} place
 */
function apart(ours, theirs, start, length, place) {
  let most = 0;
  for (let i = 0; i < length; i++) {
    const difference = Math.abs(ours[place(i)] - theirs[start + i]);
    if (!(difference <= most)) most = Number.isNaN(difference) ? Infinity : difference;
  }
  return most;
}
