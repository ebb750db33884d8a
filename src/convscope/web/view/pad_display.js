// What the pad shows: strokes as they are drawn, or a picture.

import { UNITS } from "#web/core/strokes.js";
import { h, paint_bytes } from "#web/view/dom.js";

/** @typedef {import("#web/core/strokes.js").Stroke} Stroke */

/** Canvas pixels along the longer side: more would be drawn in vain. */
const SIDE = 320 * Math.min(2, Math.max(1, Math.round(globalThis.devicePixelRatio || 1)));
const PEN = 72; // units

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("#web/core/strokes.js").PadSize} size
 * @param {number} paper level of the background, 0 or 255
 */
export function pad_display(canvas, size, paper) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  /** @type {number[]} how many values of each stroke are drawn */
  let drawn = [];
  let clean = false; // nothing was drawn since `blank`
  const gray = (/** @type {number} */ level) => `rgb(${level} ${level} ${level})`;

  function blank() {
    drawn = [];
    if (clean) return; // the first point of a stroke does not wait for it
    clean = true;
    const [width, height] = [size.width, size.height].map((side) => Math.floor((SIDE * side) / UNITS));
    if (canvas.width !== width) canvas.width = width; // each assignment makes a new canvas, and the first stroke would wait for it
    if (canvas.height !== height) canvas.height = height;
    const proportions = `${size.width} / ${size.height}`;
    if (canvas.style.aspectRatio !== proportions) canvas.style.aspectRatio = proportions;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = gray(paper);
    context.fillRect(0, 0, width, height);
    context.scale(SIDE / UNITS, SIDE / UNITS);
    context.lineWidth = PEN;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = gray(255 - paper);
  }
  return {
    /** For a picture to be drawn. */
    get context() {
      clean = false;
      return context;
    },
    blank,
    /** Draw what is new: a frame costs the same however much ink there is. @param {Stroke[]} strokes */
    add(strokes) {
      strokes.forEach((stroke, index) => {
        const from = drawn[index] ?? 0;
        if (from === stroke.length) return;
        clean = false;
        context.beginPath();
        const first = Math.max(0, from - 2);
        context.moveTo(stroke[first], stroke[first + 1]);
        for (let i = first; i < stroke.length; i += 2) context.lineTo(stroke[i], stroke[i + 1]);
        context.stroke();
        drawn[index] = stroke.length;
      });
    },
    /** @param {number[]} shape @param {Uint8Array} pixels */
    picture(shape, pixels) {
      const small = h("canvas");
      paint_bytes(small, shape, pixels);
      blank();
      clean = false;
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, size.width, size.height);
    },
  };
}
