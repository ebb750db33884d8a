// Pointers on the pad: one pen at a time, whether mouse, finger or stylus.

/** @typedef {import("#web/core/strokes.js").Point} Point */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} pad
 * @param {() => import("#web/core/strokes.js").PadSize} pad.size the units that fill the canvas
 * @param {(from: Point|null, to: Point) => void} pad.draw the pen has moved; null where it was put down
 * @param {() => void} pad.lift
 */
export function pen(canvas, { size, draw, lift }) {
  /** @type {number|null} */
  let live = null; // the pointer that draws; another finger is ignored meanwhile
  /** @type {Point|null} */
  let last = null;

  /** @param {PointerEvent} event */
  function go(event) {
    const box = canvas.getBoundingClientRect();
    const { width, height } = size();
    const to = { x: ((event.clientX - box.left) * width) / box.width, y: ((event.clientY - box.top) * height) / box.height };
    draw(last, to);
    last = to;
  }
  function end() {
    live = last = null;
    lift();
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (live !== null || event.button !== 0) return;
    live = event.pointerId;
    canvas.setPointerCapture(live);
    go(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== live) return;
    const between = event.getCoalescedEvents?.() ?? [];
    (between.length ? between : [event]).forEach(go);
  });
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(type, (event) => /** @type {PointerEvent} */ (event).pointerId === live && end());
  }
}
