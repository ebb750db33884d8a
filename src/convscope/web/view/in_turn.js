// While the pen moves, views that take long follow in turn, one per frame, so that the pen and the answer stay fast.

/** Milliseconds between two frames from which a frame counts as late. */
const LATE = 25;

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {{update: (state: State, old: State) => void, destroy: () => void}} View */

/**
 * Several views as one. Each of them sees every change, but several changes may come as one: from the last state that it was
 * given to the newest.
 * @param {Pick<import("#web/core/session.js").Session, "live">} session
 * @returns {View & {push: (...views: View[]) => void}}
 */
export function in_turn(session) {
  /** @type {{view: View, seen: State|null}[]} `seen`: what a view is behind with; null for nothing */
  const all = [];
  /** @type {State} */
  let newest;
  let next = 0;
  let [waiting, given, resting] = [0, 0, 0];

  /** @param {{view: View, seen: State|null}} one */
  function give(one) {
    const old = one.seen;
    one.seen = null;
    if (old) one.view.update(newest, old);
  }
  /** Where an update makes a frame late, the next one waits for as long as that frame took. @param {number} now */
  function frame(now) {
    waiting = 0;
    const took = given ? now - given : 0;
    given = 0;
    if (took > LATE) resting = now + took;
    if (!session.live || now >= resting) {
      const one = [...all.slice(next), ...all.slice(0, next)].find(({ seen }) => seen);
      if (!one) return;
      next = (all.indexOf(one) + 1) % all.length;
      given = now;
      give(one);
    }
    waiting = requestAnimationFrame(frame);
  }
  return {
    push: (...views) => void all.push(...views.map((view) => ({ view, seen: null }))),
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
