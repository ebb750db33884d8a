// The self-test: the page computes some images again and compares them with the reference engine, usually TensorFlow.

import { floats, unpack_all } from "#web/core/bundle.js";
import { count } from "#web/core/network.js";

/** @typedef {import("#web/core/session.js").Session} Session */

/** Summing hundreds of float32 products in another order changes 1e-6 of their size; a wrong weight changes far more. */
export const TOLERANCE = 1e-4;

/**
 * @typedef {object} SelfTest
 * @property {boolean} passed
 * @property {number} logits the largest difference of a logit, relative where logits are above 1
 * @property {number} layers the same over the sampled values of all layers
 * @property {string} worst the layer that differs most; "" for none
 * @property {number} images how many were compared
 * @property {number} values how many numbers were compared
 */

/**
 * @param {Session} session
 * @returns {SelfTest}
 * @throws {Error} The reference does not fit the network.
 */
export function self_test(session) {
  const { reference, network } = session.bundle;
  const images = floats(reference.images);
  const logits = floats(reference.logits);
  const samples = unpack_all(reference.samples);
  const size = count(network.input_shape);
  const result = { passed: false, logits: 0, layers: 0, worst: "", images: images.shape[0], values: 0 };
  const most = Object.fromEntries(Object.entries(samples).map(([name, { data }]) => [name, scale(data)]));
  const logit_scale = scale(logits.data);
  for (let n = 0; n < result.images; n++) {
    const image = { shape: network.input_shape, data: images.data.slice(n * size, (n + 1) * size) };
    const { layers, logits: computed } = session.run(image);
    const k = network.num_classes;
    result.logits = Math.max(result.logits, largest_difference(computed, logits.data, n * k, k, (i) => i) / logit_scale);
    result.values += k;
    for (const { name, output } of layers.slice(0, -1)) {
      const kept = samples[name].shape[1];
      const length = output.data.length;
      const difference = largest_difference(output.data, samples[name].data, n * kept, kept, (i) => Math.floor((i * length) / kept));
      result.values += kept;
      if (difference / most[name] > result.layers) Object.assign(result, { layers: difference / most[name], worst: name });
    }
  }
  result.passed = result.images > 0 && result.logits <= TOLERANCE && result.layers <= TOLERANCE;
  return result;
}

/** @param {Float32Array} values */
function scale(values) {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
}

/**
 * The largest difference; infinite where a value is NaN.
 * @param {Float32Array} computed @param {Float32Array} expected @param {number} start @param {number} length
 * @param {(i: number) => number} place
 */
function largest_difference(computed, expected, start, length, place) {
  let most = 0;
  for (let i = 0; i < length; i++) {
    const difference = Math.abs(computed[place(i)] - expected[start + i]);
    if (!(difference <= most)) most = Number.isNaN(difference) ? Infinity : difference;
  }
  return most;
}
