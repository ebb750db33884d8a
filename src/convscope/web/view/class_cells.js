// The classes as the last column of the network, where their bars are not beside it.

import { softmax } from "#web/core/activations.js";
import { box_of } from "#web/core/network_layout.js";
import { h } from "#web/view/dom.js";

const READABLE = 14; // pixels: lower cells have no names

/** @param {import("#web/core/session.js").Session} session */
export function class_cells(session) {
  const { class_names, temperature } = session.bundle;
  const cells = class_names.map((name) => h("span", { class: "class-cell" }, name));
  const element = h("div", { "aria-hidden": "true", hidden: true }, cells);
  return {
    element,
    /** @param {import("#web/core/network_layout.js").Place} place */
    arrange(place) {
      element.hidden = place.width === 0 || place.values > 1 || place.cell_height < READABLE;
      if (element.hidden) return;
      cells.forEach((cell, k) => {
        const { x, y, width, height } = box_of(place, k);
        Object.assign(cell.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px`, lineHeight: `${height - 2}px` });
      });
    },
    show() {
      if (element.hidden) return;
      const probabilities = session.activations ? softmax(session.activations.logits, temperature) : [];
      cells.forEach((cell, k) => cell.style.setProperty("--fraction", String(probabilities[k] ?? 0)));
    },
  };
}
