// What a worker does: the forward pass of the page's network and the preprocessing of pictures, one message at a time.

import { columns_of } from "#web/core/columns.js";
import { prepare } from "#web/core/forward.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { canvas_sizes, draw_edges, draw_maps, OLD } from "#web/core/network_drawing.js";
import { occlusion_maps } from "#web/core/occlusion_maps.js";
import { frame } from "#web/core/preprocess.js";
import { results_of } from "#web/core/results.js";

/** @typedef {import("#web/core/results.js").Results} Results */
/** @typedef {{edges: OffscreenCanvas, maps: OffscreenCanvas}} Canvases */
/** @typedef {{postMessage: (message: any, transfer?: any) => void, onmessage: ((event: {data: any}) => void)|null}} Scope of a worker */

/**
 * Answer messages `{id, type, …}` by `{id, result}` or `{id, error}`:
 *
 * - `load`: `network`, `weights`, `preprocessing`, `paper`. Must come first.
 * - `lend`: `edges` and `maps`, canvases to draw on from now on.
 * - `draw`: `picture`, `off`, `display`; the result is `Results`, without columns where they were drawn.
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
  /** @type {Canvases|null} */
  let canvases = null;
  const maps = occlusion_maps((image, off) => engine.run(image, { off }));
  /** @type {Record<string, (message: any) => any>} */
  const work = {
    async load({ network, weights, preprocessing, paper }) {
      await load_kinds(network.layers.map((/** @type {{kind: string}} */ { kind }) => kind));
      engine = prepare(network, weights);
      columns = columns_of(network);
      source = { weights, paper, pixels: { shape: [], data: new Uint8Array() }, bundle: { network, preprocessing, pictures: { entries: [] } } };
    },
    lend(/** @type {Canvases} */ lent) {
      canvases = { edges: lent.edges, maps: lent.maps };
    },
    draw(asked) {
      maps.stop();
      const results = results_of(source, engine, columns, asked);
      return canvases && asked.display?.stage ? draw_on(canvases, asked.display, results) : results;
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

/** @param {Canvases} canvases @param {import("#web/core/results.js").Display} display @param {Results} results @returns {Results} */
function draw_on(canvases, { stage, drawn }, results) {
  const { displayed } = results;
  const contexts = { edges: canvases.edges.getContext("2d"), maps: canvases.maps.getContext("2d") };
  if (!displayed?.columns || !stage || !contexts.edges || !contexts.maps) return results;
  for (const [name, { width, height }] of Object.entries(canvas_sizes(stage))) {
    const canvas = canvases[/** @type {keyof Canvases} */ (name)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  }
  contexts.maps.clearRect(0, 0, canvases.maps.width, canvases.maps.height);
  draw_maps(contexts.maps, displayed.columns);
  draw_edges(contexts.edges, stage, [displayed.path ? { edges: displayed.path.path, opacity: 1 } : { edges: drawn, opacity: OLD }]);
  return { ...results, displayed: { ...displayed, columns: null } };
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
