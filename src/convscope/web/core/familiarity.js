// Whether the selected image is like those that the network was trained on, and the images of the page most similar to it.

import { existing_off } from "#web/core/session.js";
import { is_earlier } from "#web/core/moments.js";
import { inputs_of } from "#web/core/network.js";
import { averaged, familiarity, projected, variation_excess } from "#web/core/out_of_distribution.js";
import { numbers } from "#web/core/packed.js";

/** @typedef {import("#web/core/session.js").Session} Session */
/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/out_of_distribution.js").Familiarity & {nearest: () => number[]}} Answer nearest: positions in the bundle's pictures, most similar first */

/**
 * @param {Session} session
 * @param {number} [most] number of similar images
 * @returns {(state: State) => Answer|null} null where there is no score: the network has none, no image is selected, or other
 *     weights than the trained ones computed the activations
 * @throws {Error} An array of the bundle does not fit its shape.
 */
export function read_familiarity(session, most = 4) {
  const { bundle } = session;
  const { rejection, network, pictures } = bundle;
  if (!rejection) return () => null;
  const [center, whole, codes] = [rejection.center, rejection.directions, rejection.codes].map(numbers);
  const count = rejection.steps.length;
  const directions = new Float32Array(whole.length);
  for (let at = 0; at < whole.length; at += 1) directions[at] = whole[at] * rejection.steps[at % count]; // before the first image is shown
  const subspace = { center: Float32Array.from(center), directions };
  const layer = network.layers.findIndex(({ name }) => name === rejection.layer);
  const size = rejection.codes.shape[1];
  const examples = pictures.entries.flatMap(({ label, predicted, known_wrong }, at) => (label === predicted && !known_wrong ? [at] : []));
  return (state) => {
    const { activations, selected } = session;
    if (!activations || !selected || is_earlier(bundle, state.moment) || Object.keys(existing_off(bundle, state.off)).length) return null;
    const [input] = inputs_of(network, activations, layer);
    const { along, residual: to_subspace } = projected(averaged(input.data, rejection.grid), subspace);
    const residual = to_subspace + variation_excess(selected, network.input_shape, rejection.variation);
    const channels = network.input_shape[2];
    const is_constant = selected.every((level, at) => level === selected[at % channels]);
    const distance = (/** @type {number} */ at) => along.subarray(0, size).reduce((sum, value, i) => sum + (value - codes[at * size + i] * rejection.code_step) ** 2, 0);
    const own = state.picture.startsWith("p") ? Number(state.picture.slice(1)) : -1;
    const ranked = () => examples.filter((at) => at !== own).map((at) => ({ at, far: distance(at) })).sort((a, b) => a.far - b.far || a.at - b.at);
    return { ...familiarity({ logits: activations.logits, residual, is_constant }, rejection), nearest: () => ranked().slice(0, most).map(({ at }) => at) };
  };
}
