// Occlusion maps beside other work: one at a time, and whatever else waits is done between two parts of it.

import { occlusion } from "#web/core/occlusion.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */
/** @typedef {Record<string, number[]>} Off */
/** @typedef {{off?: Off, patch?: number, stride?: number, fill?: number}} OcclusionOptions as of `occlusion`, and the filters that are off */

const PART = 8; // milliseconds

/**
 * @param {(image: Tensor, off: Off) => import("#web/core/network.js").Activations} run
 * @returns {{map: (image: Tensor, class_index: number, options: OcclusionOptions) => Promise<Tensor|null>, stop: () => void}}
 *     `map`: null where a later call came meanwhile, or where it was stopped
 */
export function occlusion_maps(run) {
  let turn = 0;
  /** @param {Tensor} image @param {number} class_index @param {OcclusionOptions} options */
  async function map(image, class_index, { off = {}, ...options }) {
    const mine = ++turn;
    const work = occlusion({ run: (covered) => run(covered, off) }, image, class_index, options);
    for (;;) {
      await others();
      if (mine !== turn) return null;
      const until = performance.now() + PART;
      while (performance.now() < until) {
        const { done, value } = work.next();
        if (done) return /** @type {Tensor} */ (value);
      }
    }
  }
  return { map, stop: () => void (turn += 1) };
}

/** Until messages and events that came before are handled. @returns {Promise<void>} */
const others = () => new Promise((resolve) => setTimeout(resolve));
