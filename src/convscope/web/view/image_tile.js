// One image with its label and prediction: the same tile wherever images are listed.

import { picture_title } from "#web/core/captions.js";
import { pixels_at } from "#web/core/selected_image.js";
import { percent } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { h, paint_bytes } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/state.js").Store} Store */

const LARGE = 96;

/**
 * A list of tiles; each opens its image in the network tab.
 * @param {Session} session
 * @param {Store} store
 * @param {number[]} positions in the bundle's pictures
 * @returns {HTMLElement}
 */
export function tiles(session, store, positions) {
  return h("ul", { class: "evaluation-tiles" }, positions.map((position) => h("li", {}, tile(session, store, position))));
}

/** @param {Session} session @param {Store} store @param {number} position */
function tile({ bundle, pixels }, store, position) {
  const entry = bundle.pictures.entries[position];
  const [, ...shape] = pixels.shape;
  const title = picture_title(bundle, entry);
  const canvas = h("canvas", { role: "img", "aria-label": title, class: Math.max(shape[0], shape[1]) > LARGE ? "evaluation-smooth" : null });
  paint_bytes(canvas, shape, pixels_at(pixels, position));
  const [label, predicted] = [bundle.class_names[entry.label], bundle.class_names[entry.predicted]];
  const open = () => store.set({ tab: "network", picture: `p${position}`, row: -1, column: -1 });
  // The canvas has the text alternative.
  const caption = h("span", { class: "evaluation-caption", "aria-hidden": "true" },
    h("span", { class: "evaluation-name" }, entry.name.split("/").at(-1) || word("image.number", { index: entry.index })),
    h("span", { class: label.length + predicted.length > 8 ? "evaluation-names evaluation-names-long" : "evaluation-names" },
      label === predicted ? `✓ ${label}` : [h("span", {}, `${label} `), h("strong", {}, `→ ${predicted}`)]),
    h("span", { class: "number" }, percent(entry.probability)),
    entry.known_wrong && h("span", { class: "evaluation-known" }, word("image.known")),
  );
  return h("button", { class: "evaluation-tile", title: word("image.open", { title }), onclick: open }, canvas, caption);
}
