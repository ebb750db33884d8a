// The edges into the answer: computed after the maps are painted, and when the pen rests where that takes long.

import { contributions } from "#web/core/contributions.js";
import { existing_off, has_ink } from "#web/core/session.js";
import { strongest_path } from "#web/core/strongest_path.js";

/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */

const FAST = 8; // milliseconds: edges that take longer wait until the pen rests
const REST = 150; // milliseconds

/**
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 * @param {import("#web/core/columns.js").Column[]} columns
 * @param {() => void} changed
 */
export function path_of(session, store, columns, changed) {
  /** @type {Edge[]} */
  let edges = [];
  /** @type {import("#web/core/contributions.js").Contributions|null} */
  let found = null;
  let fresh = false;
  let took = Infinity;
  let frame = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  follow(false);

  function compute() {
    frame = 0;
    const { activations, bundle: { network }, weights } = session;
    edges = [];
    found = null;
    fresh = true;
    const began = performance.now();
    if (activations && has_ink(session)) {
      const k = target();
      found = contributions(network, weights, activations, k, { off: existing_off(session.bundle, store.get().off) });
      edges = strongest_path(session, columns, found, k);
      took = performance.now() - began;
    }
    changed();
  }
  function target() {
    const { target: chosen } = store.get();
    const { logits } = /** @type {import("#web/core/network.js").Activations} */ (session.activations);
    return chosen >= 0 && chosen < logits.length ? chosen : logits.indexOf(Math.max(...logits));
  }

  /** @param {boolean} drawing whether another image may follow at once */
  function follow(drawing) {
    fresh = false;
    clearTimeout(timer);
    if (drawing && took > FAST) timer = setTimeout(compute, REST);
    else frame ||= requestAnimationFrame(compute);
    if (drawing && took > FAST) changed();
  }

  return {
    edges: () => edges,
    /** Whether the edges belong to the maps that are shown. */
    fresh: () => fresh,
    found: () => found,
    follow,
    stop() {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    },
  };
}
