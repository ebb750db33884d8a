// Views that follow the pen in turn, with frames that this file makes.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { in_turn } from "#web/view/in_turn.js";

/** @type {((now: number) => void)[]} */
let frames = [];
let clock = 1000;

beforeEach(() => {
  frames = [];
  Object.assign(globalThis, {
    requestAnimationFrame: (/** @type {(now: number) => void} */ call) => frames.push(call),
    cancelAnimationFrame: () => void (frames = []),
  });
});

/** The next frame, some milliseconds after the last. @param {number} [after] */
function frame(after = 16) {
  clock += after;
  const [call] = frames.splice(0, 1);
  call?.(clock);
}

/** @param {number} count */
function views(count) {
  /** @type {string[]} */
  const log = [];
  const session = { live: true };
  const all = in_turn(session);
  all.push(...Array.from({ length: count }, (_, i) => ({
    update: (/** @type {any} */ state, /** @type {any} */ old) => void log.push(`${i}:${old.picture}-${state.picture}`),
    destroy: () => void log.push(`${i} ends`),
  })));
  return { log, session, go: (/** @type {number} */ from, /** @type {number} */ to) => all.update(/** @type {any} */ ({ picture: to }), /** @type {any} */ ({ picture: from })), all };
}

/** An update at rest, from which a long view is known to be fast. @param {{live: boolean}} session @param {any} all */
function rested(session, all) {
  session.live = false;
  all.update({ picture: "p1" }, { picture: "p0" });
  session.live = true;
}

test("while the pen rests, every view sees every change at once", () => {
  const { log, session, go } = views(2);
  session.live = false;
  go(0, 1);
  go(1, 2);
  assert.deepEqual(log, ["0:0-1", "1:0-1", "0:1-2", "1:1-2"]);
  assert.equal(frames.length, 0);
});

test("while the pen moves, one view a frame goes from what it has seen to the newest state, and none is forgotten", () => {
  const { log, go } = views(3);
  go(0, 1);
  frame();
  go(1, 2);
  frame();
  frame();
  frame();
  frame();
  assert.deepEqual(log, ["0:0-1", "1:0-2", "2:0-2", "0:1-2"]);
  assert.equal(frames.length, 0);
});

test("when the pen has rested, what is behind comes before the next change", () => {
  const { log, session, go } = views(2);
  go(0, 1);
  session.live = false;
  go(1, 2);
  assert.deepEqual(log, ["0:0-2", "1:0-2"]);
});

test("after a frame that was late, the next view waits for as long, unless the pen rests", () => {
  const { log, session, go } = views(3);
  go(0, 1);
  frame();
  frame(60);
  frame(30);
  assert.deepEqual(log, ["0:0-1"]);
  frame(31);
  assert.deepEqual(log, ["0:0-1", "1:0-1"]);
  session.live = false;
  frame(60);
  assert.deepEqual(log, ["0:0-1", "1:0-1", "2:0-1"]);
});

test("a slow view follows at most every 300 ms while the pen moves, and the others do not wait for it", () => {
  /** @type {string[]} */
  const log = [];
  const view = (/** @type {string} */ name) => ({ update: (/** @type {any} */ state) => void log.push(`${name}${state.picture}`), destroy() {} });
  const session = { live: true };
  const all = in_turn(session);
  all.push(view("fast "));
  all.push_slow(view("slow "));
  rested(session, all);
  log.length = 0;
  for (let picture = 1; picture <= 72; picture += 1) {
    all.update(/** @type {any} */ ({ picture }), /** @type {any} */ ({ picture: picture - 1 }));
    frame();
  }
  assert.ok(log.filter((one) => one.startsWith("fast")).length >= 20);
  const slow = log.filter((one) => one.startsWith("slow")).length;
  assert.ok(slow >= 2 && slow <= 5, String(slow));
  session.live = false;
  all.update(/** @type {any} */ ({ picture: 73 }), /** @type {any} */ ({ picture: 72 }));
  assert.deepEqual(log.slice(-2), ["fast 73", "slow 73"]);
  all.destroy();
});

test("where frames are late, a slow view waits until the pen rests, and the others follow", () => {
  /** @type {string[]} */
  const log = [];
  const view = (/** @type {string} */ name) => ({ update: (/** @type {any} */ state) => void log.push(`${name}${state.picture}`), destroy() {} });
  const session = { live: true };
  const all = in_turn(session);
  all.push(view("fast "));
  all.push_slow(view("slow "));
  for (let picture = 1; picture <= 40; picture += 1) {
    all.update(/** @type {any} */ ({ picture }), /** @type {any} */ ({ picture: picture - 1 }));
    frame(30);
  }
  assert.ok(log.length >= 10 && log.every((one) => one.startsWith("fast")), log.join());
  session.live = false;
  while (frames.length) frame(50);
  assert.ok(log.includes("slow 40") && log.includes("fast 40"), log.join());
  all.destroy();
});

test("a long view that took long at rest waits while the pen moves, however smooth it is", () => {
  let [shown, work] = [0, 12];
  const busy = () => {
    for (const end = performance.now() + work; performance.now() < end; );
    shown += 1;
  };
  const session = { live: true };
  const all = in_turn(session);
  all.push_long({ update: busy, destroy() {} });
  const draw = () => {
    shown = 0;
    for (let picture = 1; picture <= 40; picture += 1) {
      all.update(/** @type {any} */ ({ picture }), /** @type {any} */ ({ picture: picture - 1 }));
      frame();
    }
    return shown;
  };
  assert.equal(draw(), 0); // nothing is known of it yet
  rested(session, all);
  assert.equal(draw(), 0);
  work = 0;
  rested(session, all);
  assert.ok(draw() > 0);
  all.destroy();
});

test("a slow view of which nothing is known waits for half a second of smooth frames", () => {
  let shown = 0;
  const session = { live: true };
  const all = in_turn(session);
  all.push_slow({ update: () => void (shown += 1), destroy() {} });
  const draw = (/** @type {number} */ frames_drawn, after = 16) => {
    for (let picture = 1; picture <= frames_drawn; picture += 1) {
      all.update(/** @type {any} */ ({ picture }), /** @type {any} */ ({ picture: picture - 1 }));
      frame(after);
    }
  };
  draw(25);
  draw(1, 30);
  draw(25);
  assert.equal(shown, 0);
  draw(10);
  assert.equal(shown, 1);
  all.destroy();
});

test("a slow view whose layout takes some milliseconds follows in frames without an answer only, and not at all if it takes more", (context) => {
  let [shown, beside, work, spent, answer] = [0, 0, 4, 0, true];
  context.mock.method(performance, "now", () => spent);
  const session = { live: true };
  const all = in_turn(session, () => void (spent += work));
  all.push_slow({ update: () => void (answer ? (beside += 1) : (shown += 1)), destroy() {} });
  const draw = () => {
    [shown, beside] = [0, 0];
    for (let picture = 1; picture <= 60; picture += 1) {
      answer = picture % 2 === 1;
      if (answer) all.update(/** @type {any} */ ({ picture }), /** @type {any} */ ({ picture: picture - 1 }));
      frame();
    }
    return [shown > 1, beside];
  };
  rested(session, all);
  assert.deepEqual(draw(), [true, 0]);
  work = 12;
  rested(session, all);
  assert.deepEqual(draw(), [false, 0]);
  work = 0;
  rested(session, all);
  draw();
  assert.ok(shown + beside >= 2);
  all.destroy();
});
