// The edges into the answer: computed after the maps are painted, and when the pen rests where that takes long.

import { contribution_steps } from "#web/core/contributions.js";
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
  /** @type {Generator<void, {contributed: import("#web/core/contributions.js").Contributions, path: Edge[]}>|null} */
  let work = null;
  let frame = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  follow(false);

  function start() {
    took = 0;
    work = session.activations && has_ink(session) ? steps(target()) : null;
    if (work) return some();
    [edges, found, fresh] = [[], null, true];
    changed();
  }
  /** @param {number} k */
  function* steps(k) {
    const { activations, bundle: { network }, weights } = session;
    const off = existing_off(session.bundle, store.get().off);
    const contributed = yield* contribution_steps(network, weights, /** @type {import("#web/core/network.js").Activations} */ (activations), k, { off });
    return { contributed, path: yield* strongest_path(session, columns, contributed, k) };
  }
  /** A few steps per frame, so that the page stays responsive. */
  function some() {
    frame = 0;
    const began = performance.now();
    while (work && performance.now() - began < FAST) {
      const { done, value } = work.next();
      if (!done || !value) continue;
      [edges, found, fresh, work] = [value.path, value.contributed, true, null];
      took += performance.now() - began;
      return changed();
    }
    took += performance.now() - began;
    if (work) frame = requestAnimationFrame(some);
  }
  function target() {
    const { target: chosen } = store.get();
    const { logits } = /** @type {import("#web/core/network.js").Activations} */ (session.activations);
    return chosen >= 0 && chosen < logits.length ? chosen : logits.indexOf(Math.max(...logits));
  }

  function at_rest() {
    if (session.live) timer = setTimeout(at_rest, REST);
    else start();
  }
  /** @param {boolean} drawing whether another image may follow at once */
  function follow(drawing) {
    fresh = false;
    work = null;
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    if (drawing && took > FAST) timer = setTimeout(at_rest, REST);
    else frame = requestAnimationFrame(start);
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
