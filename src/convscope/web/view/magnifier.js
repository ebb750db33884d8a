// A magnifier above the finger: small maps can be chosen by touch.

import { box_of } from "#web/core/network_layout.js";
import { fill, h } from "#web/view/dom.js";

const SIDE = 120; // CSS pixels
const AROUND = 1.6; // of the map's size that is visible

/** @param {HTMLElement} stage holds the canvas of the maps */
export function magnifier(stage) {
  const canvas = h("canvas", { width: SIDE * 2, height: SIDE * 2, "aria-hidden": "true" });
  const text = h("span", {});
  const element = h("div", { class: "magnifier", hidden: true, "aria-hidden": "true" }, canvas, text);
  stage.append(element);
  return {
    /** @param {import("#web/core/strongest_path.js").Node} node @param {import("#web/core/network_layout.js").Layout} layout @param {string} caption */
    show(node, { places, width }, caption) {
      const drawn = /** @type {NodeListOf<HTMLCanvasElement>} */ (stage.querySelectorAll(".network-maps, .network-maps-live"));
      const source = [...drawn].find(({ style }) => style.visibility !== "hidden");
      const context = canvas.getContext("2d");
      if (!source || !context || !places[node.column].width) return;
      const ratio = source.width / (parseFloat(source.style.width) || 1);
      const box = box_of(places[node.column], node.map);
      const side = Math.max(box.width, box.height) * AROUND;
      context.imageSmoothingEnabled = false;
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(source, (box.x + box.width / 2 - side / 2) * ratio, (box.y + box.height / 2 - side / 2) * ratio, side * ratio, side * ratio, 0, 0, canvas.width, canvas.height);
      fill(text, caption);
      element.hidden = false;
      element.style.left = `${Math.min(Math.max(box.x + box.width / 2 - SIDE / 2 - 6, 0), width - SIDE - 14)}px`;
      element.style.top = `${box.y - SIDE - 64}px`;
    },
    hide() {
      element.hidden = true;
    },
  };
}
