// While the pen moves, views that take long follow in turn, one per frame, so that the pen and the answer stay fast.

/** Milliseconds between two frames from which a frame counts as late. */
const LATE = 40;

/** Milliseconds between two updates of a slow view; before one, so many frames must have taken no longer than `SMOOTH`. */
const SLOW = 300;
const FRAMES = 10;
const SMOOTH = 22;
/** Milliseconds of script, to which style, layout and paint add about three times as much. A long view that took more waits for the pen to rest. */
const SHORT = 6;

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {{update: (state: State, old: State) => void, destroy: () => void}} View */
/** @typedef {{view: View, seen: State|null, slow: boolean, long: boolean, due: number, took: number}} Entry `seen`: what a view is behind with; null
 *     for nothing; `took`: milliseconds of its last update with another picture */

/**
 * Several views as one. Each of them sees every change, but several changes may come as one: from the last state that it was
 * given to the newest.
 * @param {Pick<import("#web/core/session.js").Session, "live">} session
 * @returns {View & Record<"push"|"push_slow"|"push_long", (...views: View[]) => void>} `push_slow`: views whose text nobody reads while
 *     the pen moves follow a few times a second, and on a slow device when the pen rests; `push_long`: the same for views with
 *     much to lay out, which follow only where their last update was fast
 */
export function in_turn(session) {
  /** @type {Entry[]} */
  const all = [];
  /** @type {State} */
  let newest;
  let next = 0;
  let [waiting, last, smooth, resting] = [0, 0, 0, 0];
  let gave = false;

  /** @param {Entry} one */
  function give(one) {
    const old = one.seen;
    one.seen = null;
    if (!old) return;
    const began = performance.now();
    one.view.update(newest, old);
    if (newest.picture && newest.picture !== old.picture) one.took = performance.now() - began;
  }
  /** @param {View[]} views @param {boolean} slow @param {boolean} long */
  const add = (views, slow, long = false) => void all.push(...views.map((view) => ({ view, seen: null, slow, long, due: 0, took: Infinity })));

  /** Where an update makes a frame late, the next one waits for as long as that frame took. @param {number} now */
  function frame(now) {
    waiting = 0;
    const took = last ? now - last : 0;
    last = now;
    smooth = took > SMOOTH ? 0 : smooth + 1;
    if (took > LATE && gave) resting = now + took;
    const behind = [...all.slice(next), ...all.slice(0, next)].filter(({ seen }) => seen);
    const one = behind.find(({ slow, long, due, took }) => !session.live || (now >= resting && (!slow || ((!long || took <= SHORT) && now >= due && smooth >= FRAMES))));
    gave = Boolean(one);
    if (one) {
      one.due = now + SLOW;
      next = (all.indexOf(one) + 1) % all.length;
      give(one);
    }
    if (behind.length > Number(gave)) waiting = requestAnimationFrame(frame);
    else last = 0;
  }
  return {
    push: (...views) => add(views, false),
    push_slow: (...views) => add(views, true),
    push_long: (...views) => add(views, true, true),
    update(state, old) {
      newest = state;
      for (const one of all) one.seen ??= old;
      if (session.live) waiting ||= requestAnimationFrame(frame);
      else all.forEach(give);
    },
    destroy() {
      cancelAnimationFrame(waiting);
      all.forEach(({ view }) => view.destroy());
    },
  };
}
