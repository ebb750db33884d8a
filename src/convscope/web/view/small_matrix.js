// A confusion matrix as a small picture.

import { accuracy_of } from "#web/core/moments.js";
import { percent } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { s } from "#web/view/dom.js";

const [CELL, EDGE] = [30, 44];

/**
 * @param {number[][]} confusion counts, row the true class, column the predicted one
 * @param {string[]} names
 * @returns {SVGElement}
 */
export function small_matrix(confusion, names) {
  const k = names.length;
  const side = EDGE + k * CELL;
  const numbers = k <= 12;
  const cells = confusion.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, predicted) => {
      if (!count) return null;
      const [x, y] = [EDGE + predicted * CELL, EDGE + truth * CELL];
      const depth = Math.max(0.12, count / total);
      return s("g", {},
        s("rect", { x: x + 1, y: y + 1, width: CELL - 2, height: CELL - 2, rx: 3, class: truth === predicted ? "matrix-right" : "matrix-wrong", style: `--depth: ${Math.round(60 * depth)}%` }),
        numbers ? s("text", { x: x + CELL / 2, y: y + CELL / 2 + 4, "text-anchor": "middle" }, count) : null);
    });
  });
  const label = (/** @type {string} */ name) => (name.length > 5 ? `${name.slice(0, 4)}…` : name);
  const heads = numbers ? names.flatMap((name, at) => [
    s("text", { class: "matrix-name", x: EDGE - 6, y: EDGE + at * CELL + CELL / 2 + 4, "text-anchor": "end" }, label(name)),
    s("text", { class: "matrix-name", x: EDGE + at * CELL + CELL / 2, y: EDGE - 8, "text-anchor": "middle" }, label(name)),
  ]) : [];
  const rate = accuracy_of(confusion);
  return s("svg", { class: "small-matrix", viewBox: `0 0 ${side} ${side}`, role: "img", style: `max-width: ${Math.min(side, 460)}px`,
    "aria-label": rate === null ? word("matrix.label", { count: k }) : word("matrix.rate", { count: k, rate: percent(rate) }) },
    s("text", { class: "matrix-axis", x: 0, y: 12 }, word("matrix.axis")), heads, cells);
}
