// Marks on the network: the selected map, what its pixel sees of the image, and the maps that are switched off.

import { column_of } from "#web/core/columns.js";
import { box_of } from "#web/core/network_layout.js";
import { trace } from "#web/core/receptive_field.js";
import { parse_off } from "#web/core/state.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/network_layout.js").Box} Box */

/**
 * @param {import("#web/core/network.js").Network} network
 * @param {import("#web/core/columns.js").Column[]} columns
 */
export function network_marks(network, columns) {
  const [chosen, field] = [h("span", { class: "frame", hidden: true }), h("span", { class: "frame field", hidden: true })];
  const crosses = h("div", { "aria-hidden": "true" });
  let crossed = "";

  /** Where the receptive field lies in the image. @param {Box} image @param {import("#web/core/focus.js").Focus} focus @returns {Box|null} */
  function field_of(image, { layer, row, column }) {
    const [span] = trace(network, layer, row, column);
    if (!span) return null;
    const [height, width] = network.input_shape;
    const [x, y] = [image.width / width, image.height / height];
    return { x: image.x + span.c0 * x, y: image.y + span.r0 * y, width: (span.c1 - span.c0 + 1) * x, height: (span.r1 - span.r0 + 1) * y };
  }

  return {
    elements: [field, chosen, crosses],
    /** @param {import("#web/core/network_layout.js").Layout} layout @param {import("#web/core/focus.js").Focus} focus @param {string} off State.off */
    show({ places }, focus, off) {
      const column = column_of(columns, focus.layer);
      const { x, y, width, height } = box_of(places[column], focus.channel);
      place(chosen, places[column].width ? { x: x - 2, y: y - 2, width: Math.max(width, 4) + 4, height: Math.max(height, 4) + 4 } : null);
      place(field, field_of(places[0], focus));
      if (!off && !crosses.childElementCount) return;
      const now = JSON.stringify([off, places]);
      if (now === crossed) return;
      crossed = now;
      fill(crosses, Object.entries(parse_off(off)).flatMap(([name, channels]) => {
        const at = column_of(columns, network.layers.findIndex((row) => row.name === name));
        if (at < 1 || !places[at].width) return [];
        return channels.filter((channel) => channel < columns[at].maps).map((channel) => {
          const cross = h("span", { class: "network-cross" });
          place(cross, box_of(places[at], channel));
          return cross;
        });
      }));
    },
  };
}

/** @param {HTMLElement} element @param {Box|null} box null hides it */
function place(element, box) {
  element.hidden = !box;
  // a transform, because another position would cost a layout
  if (box) Object.assign(element.style, { transform: `translate(${box.x}px, ${box.y}px)`, width: `${box.width}px`, height: `${box.height}px` });
}
