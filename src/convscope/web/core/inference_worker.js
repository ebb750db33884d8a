// What a worker does: the forward pass of the page's network and the preprocessing of pictures, one message at a time.

import { columns_of } from "#web/core/columns.js";
import { prepare } from "#web/core/forward.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { occlusion_maps } from "#web/core/occlusion_maps.js";
import { frame } from "#web/core/preprocess.js";
import { results_of } from "#web/core/results.js";

/** @typedef {import("#web/core/results.js").Results} Results */
/** @typedef {{postMessage: (message: any, transfer?: any) => void, onmessage: ((event: {data: any}) => void)|null}} Scope of a worker */

/**
 * Answer messages `{id, type, …}` by `{id, result}` or `{id, error}`:
 *
 * - `load`: `network`, `weights`, `preprocessing`, `paper`. Must come first.
 * - `draw`: `picture`, `off`, `display`; the result is `Results`.
 * - `frame`: `picture`, `contract`; the result is `Framing`.
 * - `occlusion`: `image`, `class_index`, `options`; the result is the map, or null where a later one was asked for or a
 *   `draw` came, which is about another image. Messages are answered meanwhile.
 *
 * @param {Scope} scope
 */
export function serve(scope) {
  /** @type {import("#web/core/forward.js").Engine} */
  let engine;
  /** @type {import("#web/core/results.js").Source} */
  let source;
  /** @type {import("#web/core/columns.js").Column[]} */
  let columns;
  const maps = occlusion_maps((image, off) => engine.run(image, { off }));
  /** @type {Record<string, (message: any) => any>} */
  const work = {
    async load({ network, weights, preprocessing, paper }) {
      await load_kinds(network.layers.map((/** @type {{kind: string}} */ { kind }) => kind));
      engine = prepare(network, weights);
      columns = columns_of(network);
      source = { weights, paper, pixels: { shape: [], data: new Uint8Array() }, bundle: { network, preprocessing, pictures: { entries: [] } } };
    },
    draw(asked) {
      maps.stop();
      return results_of(source, engine, columns, asked);
    },
    frame: ({ picture, contract }) => frame(picture, contract),
    occlusion: ({ image, class_index, options }) => maps.map(image, class_index, options),
  };
  scope.onmessage = async ({ data: { id, type, ...message } }) => {
    try {
      const result = await work[type](message);
      scope.postMessage({ id, result }, type === "draw" ? buffers_of(result) : []);
    } catch (error) {
      scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  };
}

/** The memory of results, each part once: it is moved, not copied. @param {Results} results @returns {ArrayBufferLike[]} */
export function buffers_of({ activations, displayed }) {
  if (!activations) return [];
  const { image, layers, logits, probabilities } = activations;
  const tensors = layers.flatMap(({ output, pre_activation, depthwise }) => [output, pre_activation, depthwise]);
  const { at_output = [], before_activation = [], at_image = null } = displayed?.path?.found ?? {};
  const arrays = [image.data, logits, probabilities, ...tensors.map((tensor) => tensor?.data),
    ...(displayed?.columns ?? []).map(({ data }) => data), ...at_output, ...before_activation, at_image];
  return [...new Set(arrays.flatMap((array) => (array ? [array.buffer] : [])))];
}
