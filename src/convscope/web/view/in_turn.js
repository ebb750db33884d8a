// While the pen moves, views that take long follow in turn, one per frame, so that the pen and the answer stay fast.

/** Milliseconds between two frames from which a frame counts as late. */
const LATE = 25;

/** Milliseconds between two updates of a slow view. */
const SLOW = 300;

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {{update: (state: State, old: State) => void, destroy: () => void}} View */
/** @typedef {{view: View, seen: State|null, pace: number, due: number}} Entry `seen`: what a view is behind with; null for nothing */

/**
 * Several views as one. Each of them sees every change, but several changes may come as one: from the last state that it was
 * given to the newest.
 * @param {Pick<import("#web/core/session.js").Session, "live">} session
 * @returns {View & {push: (...views: View[]) => void, push_slow: (...views: View[]) => void}} `push_slow`: views whose text nobody
 *     reads while the pen moves follow a few times a second
 */
export function in_turn(session) {
  /** @type {Entry[]} */
  const all = [];
  /** @type {State} */
  let newest;
  let next = 0;
  let [waiting, given, resting] = [0, 0, 0];
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let pausing;

  /** @param {Entry} one */
  function give(one) {
    const old = one.seen;
    one.seen = null;
    if (old) one.view.update(newest, old);
  }
  /** @param {View[]} views @param {number} pace */
  const add = (views, pace) => void all.push(...views.map((view) => ({ view, seen: null, pace, due: 0 })));

  function wake() {
    clearTimeout(pausing);
    waiting ||= requestAnimationFrame(frame);
  }
  /** Where an update makes a frame late, the next one waits for as long as that frame took. @param {number} now */
  function frame(now) {
    waiting = 0;
    const took = given ? now - given : 0;
    given = 0;
    if (took > LATE) resting = now + took;
    if (!session.live || now >= resting) {
      const behind = [...all.slice(next), ...all.slice(0, next)].filter(({ seen }) => seen);
      if (!behind.length) return;
      const one = behind.find(({ due }) => !session.live || now >= due);
      if (!one) return void (pausing = setTimeout(wake, Math.min(...behind.map(({ due }) => due)) - now));
      one.due = now + one.pace;
      next = (all.indexOf(one) + 1) % all.length;
      given = now;
      give(one);
    }
    waiting = requestAnimationFrame(frame);
  }
  return {
    push: (...views) => add(views, 0),
    push_slow: (...views) => add(views, SLOW),
    update(state, old) {
      newest = state;
      for (const one of all) one.seen ??= old;
      if (session.live) wake();
      else all.forEach(give);
    },
    destroy() {
      cancelAnimationFrame(waiting);
      clearTimeout(pausing);
      all.forEach(({ view }) => view.destroy());
    },
  };
}
