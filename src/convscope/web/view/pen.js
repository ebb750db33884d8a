// Pointers on the pad: one pen at a time, whether mouse, finger or stylus.

/** @typedef {import("#web/core/strokes.js").Point} Point */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} pad
 * @param {import("#web/core/strokes.js").PadSize} pad.size the units that fill the canvas
 * @param {(from: Point|null, to: Point) => void} pad.draw the pen has moved; null where it was put down
 * @returns {{destroy: () => void}}
 */
export function pen(canvas, { size, draw }) {
  /** @type {number|null} */
  let live = null; // the pointer that draws; another finger is ignored meanwhile
  /** @type {Point|null} */
  let last = null;
  /** @type {DOMRect|null} */
  let box = null; // kept while nothing scrolls: to ask for it after each answer would cost a layout

  /** @param {PointerEvent} event */
  function go(event) {
    box ??= canvas.getBoundingClientRect();
    const to = { x: ((event.clientX - box.left) * size.width) / box.width, y: ((event.clientY - box.top) * size.height) / box.height };
    draw(last, to);
    last = to;
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (live !== null || event.button !== 0) return;
    live = event.pointerId;
    canvas.setPointerCapture(live);
    box = null;
    go(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== live) return;
    const between = event.getCoalescedEvents?.() ?? [];
    (between.length ? between : [event]).forEach(go);
  });
  for (const type of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
    canvas.addEventListener(type, (event) => {
      if (event.pointerId === live) live = last = null;
    });
  }
  const moved = () => void (box = null);
  addEventListener("scroll", moved, { capture: true, passive: true });
  addEventListener("resize", moved);
  return {
    destroy() {
      removeEventListener("scroll", moved, { capture: true });
      removeEventListener("resize", moved);
    },
  };
}
