// The edges into the answer: with the activations where a worker computes them, or else after the maps are painted, and when the
// pen rests where that takes long.

import { class_of, path_steps } from "#web/core/results.js";
import { has_ink } from "#web/core/selected_image.js";
import { existing_off } from "#web/core/session.js";

/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */
/** @typedef {import("#web/core/contributions.js").Contributions} Contributions */

const FAST = 8; // milliseconds: edges that take longer in this thread wait until the pen rests
const FAST_BESIDE = 25; // the same in the worker, where they delay the next answer only
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
  /** @type {Contributions|null} */
  let found = null;
  let fresh = false;
  let took = Infinity;
  /** @type {Generator<void, {path: Edge[], found: Contributions}>|null} */
  let work = null;
  let [frame, turn] = [0, 0];
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  frame = requestAnimationFrame(() => (frame = requestAnimationFrame(start))); // the first image does not wait for its edges

  function start() {
    took = 0;
    const { activations } = session;
    work = activations && has_ink(session) ? path_steps(session, columns, class_of(activations, store.get().target), existing_off(session.bundle, store.get().off)) : null;
    if (work) return some();
    take([], null);
  }
  /** A few steps per frame, so that the page stays responsive. */
  function some() {
    frame = 0;
    const began = performance.now();
    while (work && performance.now() - began < FAST) {
      const { done, value } = work.next();
      if (!done || !value) continue;
      took += performance.now() - began;
      return take(value.path, value.found);
    }
    took += performance.now() - began;
    if (work) frame = requestAnimationFrame(some);
  }
  /** @param {Edge[]} path @param {Contributions|null} contributed */
  function take(path, contributed) {
    [edges, found, fresh, work] = [path, contributed, true, null];
    changed();
  }

  function at_rest() {
    if (session.live) timer = setTimeout(at_rest, REST);
    else if (session.displayed) void beside();
    else start();
  }
  /** In the worker, which has computed the picture before. */
  async function beside() {
    const [mine, { picture, off }, display] = [turn, store.get(), session.display()];
    const { displayed } = await session.engine.draw(picture, existing_off(session.bundle, off), display && { ...display, edges: true, stage: null, drawn: [] });
    if (mine !== turn) return;
    if (!displayed?.path) return start();
    took = displayed.path.took;
    take(displayed.path.path, displayed.path.found);
  }
  /** @param {boolean} drawing whether another image may follow at once */
  function follow(drawing) {
    turn += 1;
    fresh = false;
    work = null;
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    const ready = session.displayed?.target === store.get().target ? session.displayed.path : null;
    if (ready) {
      took = ready.took;
      return take(ready.path, ready.found);
    }
    const late = drawing && (took > FAST || session.displayed !== null);
    if (late) timer = setTimeout(at_rest, REST);
    else frame = requestAnimationFrame(start);
    if (late) changed();
  }

  return {
    edges: () => edges,
    /** Whether the edges belong to the maps that are shown. */
    fresh: () => fresh,
    found: () => found,
    /** Whether the worker is to compute them with the activations. */
    wanted: () => took <= FAST_BESIDE,
    follow,
    stop() {
      turn += 1;
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    },
  };
}
