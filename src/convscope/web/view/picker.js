// Thumbnails to choose a channel or a filter.

import { largest_magnitude } from "#web/core/scale.js";
import { fill, h } from "#web/view/dom.js";
import { paint_map } from "#web/view/feature_map.js";

/** @typedef {import("#web/core/network.js").Tensor} Tensor */

/**
 * @param {string} noun
 * @param {(index: number) => void} choose
 */
export function picker(noun, choose) {
  const row = h("div", { class: "layer-maps", role: "group", "aria-label": `Choose a ${noun}` });
  const about = h("span", { class: "small soft" }, "• read by this filter");
  const element = h("div", { class: "conv-picker" }, h("span", { class: "small soft" }, `${noun}s`), row, about);
  return {
    element,
    /**
     * @param {Tensor|null} tensor (h, w, n); null hides it, and so does a single map
     * @param {number} chosen
     * @param {[number, number]|null} read the first and the last that the window reads; null for no mark
     */
    draw(tensor, chosen, read) {
      const count = tensor?.shape[2] ?? 0;
      element.hidden = count < 2;
      const partly = read && read[1] - read[0] + 1 < count;
      about.hidden = !partly;
      const most = tensor ? largest_magnitude(tensor.data) : 0;
      const focused = [...row.children].indexOf(document.activeElement ?? row);
      fill(row, Array.from({ length: element.hidden ? 0 : count }, (_, index) => {
        const canvas = h("canvas", { "aria-hidden": "true" });
        if (tensor) paint_map(canvas, tensor, index, most);
        const is_read = partly && index >= read[0] && index <= read[1];
        return h("button", { class: "layer-map", "aria-pressed": String(index === chosen), "aria-label": `${noun} ${index}${is_read ? ", read by the window" : ""}`, onclick: () => choose(index) },
          canvas, h("span", { class: "small number" }, index, is_read && " •"));
      }));
      if (focused >= 0) /** @type {HTMLElement|undefined} */ (row.children[focused])?.focus();
    },
  };
}
