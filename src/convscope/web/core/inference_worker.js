// What a worker does: the forward pass of the page's network and the preprocessing of pictures, one message at a time.

import { prepare } from "#web/core/forward.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { occlusion_maps } from "#web/core/occlusion_maps.js";
import { frame } from "#web/core/preprocess.js";

/** @typedef {import("#web/core/network.js").Activations} Activations */
/** @typedef {{postMessage: (message: any, transfer?: any) => void, onmessage: ((event: {data: any}) => void)|null}} Scope of a worker */

/**
 * Answer messages `{id, type, …}` by `{id, result}` or `{id, error}`:
 *
 * - `load`: `network`, `weights`. Must come first.
 * - `run`: `image`, `off`; the result is `Activations`.
 * - `frame`: `picture`, `contract`; the result is `Framing`.
 * - `occlusion`: `image`, `class_index`, `options`; the result is the map, or null where a later one was asked for or a
 *   `run` came, which is about another image. Messages are answered meanwhile.
 *
 * @param {Scope} scope
 */
export function serve(scope) {
  /** @type {import("#web/core/forward.js").Engine} */
  let engine;
  const maps = occlusion_maps((image, off) => engine.run(image, { off }));
  /** @type {Record<string, (message: any) => any>} */
  const work = {
    async load({ network, weights }) {
      await load_kinds(network.layers.map((/** @type {{kind: string}} */ { kind }) => kind));
      engine = prepare(network, weights);
    },
    run({ image, off }) {
      maps.stop();
      return engine.run(image, { off });
    },
    frame: ({ picture, contract }) => frame(picture, contract),
    occlusion: ({ image, class_index, options }) => maps.map(image, class_index, options),
  };
  scope.onmessage = async ({ data: { id, type, ...message } }) => {
    try {
      const result = await work[type](message);
      scope.postMessage({ id, result }, type === "run" ? buffers_of(result) : []);
    } catch (error) {
      scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  };
}

/** The memory of activations, each part once: it is moved, not copied. @param {Activations} activations @returns {ArrayBufferLike[]} */
export function buffers_of({ image, layers, logits, probabilities }) {
  const tensors = layers.flatMap(({ output, pre_activation, depthwise }) => [output, pre_activation, depthwise]);
  const arrays = [image.data, logits, probabilities, ...tensors.map((tensor) => tensor?.data)];
  return [...new Set(arrays.flatMap((array) => (array ? [array.buffer] : [])))];
}
