// While the pen moves, views that take long follow in turn, one per frame, so that the pen and the answer stay fast.

/** Milliseconds between two frames from which a frame counts as late. */
const LATE = 40;

/** Milliseconds between two updates of a slow view; before one, so many frames must have taken no longer than `SMOOTH`. */
const SLOW = 300;
const FRAMES = 10;
const SMOOTH = 22;
/** Milliseconds of script and layout, to which style and paint add about as much: a slow view that took more waits for the pen to rest, and one
 * that took more than `BRIEF` for a frame without an answer. */
const SHORT = 8;
const BRIEF = 2;
/** The same number for a slow view of which nothing is known yet. */
const CAREFUL = 30;

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {{update: (state: State, old: State) => void, destroy: () => void}} View */
/** @typedef {{view: View, seen: State|null, slow: boolean, long: boolean, due: number, took: number}} Entry `seen`: what a view is behind with; null
 *     for nothing; `took`: milliseconds of its last update with another picture, if it is slow; Infinity until then */

/**
 * Several views as one. Each of them sees every change, but several changes may come as one: from the last state that it was
 * given to the newest.
 * @param {Pick<import("#web/core/session.js").Session, "live">} session
 * @param {() => void} [lay_out] lays out what an update has changed, so that it is measured
 * @returns {View & Record<"push"|"push_slow"|"push_long", (...views: View[]) => void>} `push_slow`: views whose text nobody reads while
 *     the pen moves follow a few times a second, and on a slow device when the pen rests; `push_long`: the same for views with
 *     much to lay out, which follow only where their last update is known to have been fast
 */
export function in_turn(session, lay_out = () => {}) {
  /** @type {Entry[]} */
  const all = [];
  /** @type {State} */
  let newest;
  let next = 0;
  let [waiting, last, smooth, resting] = [0, 0, 0, 0];
  let [gave, answered] = [false, false];

  /** @param {Entry} one */
  function give(one) {
    const old = one.seen;
    one.seen = null;
    if (!old) return;
    const began = performance.now();
    one.view.update(newest, old);
    if (!one.slow || !newest.picture || newest.picture === old.picture) return;
    lay_out();
    one.took = performance.now() - began;
  }
  /** Whether a view may follow in this frame. @param {Entry} one @param {number} now @param {boolean} free whether nothing else changes in it */
  function may_follow({ slow, long, due, took }, now, free) {
    if (!session.live) return true;
    if (now < resting) return false;
    if (!slow) return true;
    const known = took < Infinity;
    return now >= due && (known ? took <= (free ? SHORT : BRIEF) : !long) && smooth >= (known ? FRAMES : CAREFUL);
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
    const one = behind.find((entry) => may_follow(entry, now, !answered));
    answered = false;
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
      answered = true;
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
