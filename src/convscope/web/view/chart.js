// The frame of a line chart, drawn at its real size, so that text is readable on a phone.

import { ticks } from "#web/core/axis.js";
import { fill, h, s } from "#web/view/dom.js";

/** @typedef {{left: number, right: number, top: number, bottom: number}} Box pixels of the drawing area */
/** @typedef {{low: number, high: number, label: string, text: (value: number) => string}} Axis */
/** @typedef {{box: Box, width: number, height: number, x: (value: number) => number, y: (value: number) => number}} Frame */

/**
 * A chart that is redrawn when its width changes.
 * @param {string} description its text alternative
 * @param {(width: number) => {height: number, parts: (Node|null)[]}} draw
 * @returns {{element: HTMLElement, redraw: () => void, destroy: () => void}}
 */
export function chart(description, draw) {
  const element = h("div", { class: "evaluation-chart" });
  function redraw() {
    const width = Math.max(240, Math.round(element.clientWidth) || 480);
    const { height, parts } = draw(width);
    fill(element, s("svg", { role: "img", "aria-label": description, viewBox: `0 0 ${width} ${height}`, width, height }, parts));
  }
  let last = -1;
  const observer = new ResizeObserver(() => {
    if (element.clientWidth === last || !element.clientWidth) return;
    last = element.clientWidth;
    redraw();
  });
  redraw();
  observer.observe(element);
  return { element, redraw, destroy: () => observer.disconnect() };
}

/**
 * Axes, thin lines at round numbers, and the two functions from values to pixels.
 * @param {number} width
 * @param {number} height
 * @param {Axis} across
 * @param {Axis} up
 * @param {number} [margin] space for labels to the right
 * @returns {Frame & {parts: Element[]}}
 */
export function frame(width, height, across, up, margin = 12) {
  const box = { left: 52, right: width - margin, top: 26, bottom: height - 44 };
  const x = scale(across, box.left, box.right);
  const y = scale(up, box.bottom, box.top);
  const parts = [
    ...ticks(up.low, up.high, 5).flatMap((value) => [
      s("line", { class: "evaluation-grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) }),
      s("text", { x: box.left - 8, y: y(value) + 4, "text-anchor": "end" }, up.text(value)),
    ]),
    ...ticks(across.low, across.high, Math.min(6, width / 90)).map((value) =>
      s("text", { x: x(value), y: box.bottom + 18, "text-anchor": "middle" }, across.text(value))),
    s("line", { class: "evaluation-axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
    s("text", { class: "evaluation-axis-name", x: box.right, y: height - 6, "text-anchor": "end" }, across.label),
    s("text", { class: "evaluation-axis-name", x: 0, y: 12 }, up.label),
  ];
  return { box, width, height, x, y, parts };
}

/** @param {Axis} axis @param {number} start @param {number} end */
const scale = ({ low, high }, start, end) => (/** @type {number} */ value) =>
  Math.round((start + ((value - low) / (high - low)) * (end - start)) * 100) / 100;
