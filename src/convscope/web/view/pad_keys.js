// Drawing by keyboard: arrow keys move a cursor, Space puts the pen down and lifts it, Escape lifts it.

import { word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";

/** @typedef {import("#web/core/strokes.js").Point} Point */

const STEPS = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] });

/** Steps along the shorter side of the pad; with Shift, four times as many. */
const ACROSS = 24;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} pad
 * @param {import("#web/core/strokes.js").PadSize} pad.size the units that fill the canvas
 * @param {(from: Point|null, to: Point) => void} pad.draw
 * @param {(text: string) => void} pad.tell says whether the pen is down
 * @returns {HTMLElement} the cursor, to lay over the canvas
 */
export function pad_keys(canvas, { size, draw, tell }) {
  const cursor = h("span", { class: "pad-cursor", "aria-hidden": "true" });
  const at = { x: size.width / 2, y: size.height / 2 };
  let down = false;
  place();

  function place() {
    cursor.style.left = `${(100 * at.x) / size.width}%`;
    cursor.style.top = `${(100 * at.y) / size.height}%`;
    cursor.dataset.down = String(down);
  }
  /** @param {boolean} to */
  function put(to) {
    if (to === down) return;
    down = to;
    if (down) draw(null, { ...at });
    place();
    tell(word(down ? "pad.down" : "pad.up"));
  }
  /** @param {[number, number]} direction @param {boolean} fine */
  function move([right, below], fine) {
    const step = Math.min(size.width, size.height) / ACROSS / (fine ? 4 : 1);
    const from = { ...at };
    at.x = Math.min(Math.max(at.x + right * step, 0), size.width);
    at.y = Math.min(Math.max(at.y + below * step, 0), size.height);
    if (down) draw(from, { ...at });
    place();
  }
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (STEPS[event.key]) move(STEPS[event.key], event.shiftKey);
    else if (event.key === " ") event.repeat || put(!down);
    else if (event.key === "Escape") put(false);
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => put(false));
  return cursor;
}
