// One image with what it is and what the network says: the same tile wherever images are listed.

import { picture_title } from "#web/core/captions.js";
import { pixels_at } from "#web/core/lens.js";
import { percent } from "#web/core/scale.js";
import { h, paint_bytes } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Lens} Lens */
/** @typedef {import("#web/core/state.js").Store} Store */

const LARGE = 96;

/**
 * A list of tiles; each opens its image in the room "see".
 * @param {Lens} lens
 * @param {Store} store
 * @param {number[]} positions in the bundle's pictures
 * @returns {HTMLElement}
 */
export function tiles(lens, store, positions) {
  return h("ul", { class: "good-tiles" }, positions.map((position) => h("li", {}, tile(lens, store, position))));
}

/** @param {Lens} lens @param {Store} store @param {number} position */
function tile({ bundle, pixels }, store, position) {
  const entry = bundle.pictures.entries[position];
  const [, ...shape] = pixels.shape;
  const title = picture_title(bundle, entry);
  const canvas = h("canvas", { role: "img", "aria-label": title, class: Math.max(shape[0], shape[1]) > LARGE ? "good-smooth" : null });
  paint_bytes(canvas, shape, pixels_at(pixels, position));
  const [label, predicted] = [bundle.class_names[entry.label], bundle.class_names[entry.predicted]];
  const open = () => store.set({ tab: "see", picture: `p${position}`, row: -1, column: -1 });
  // The canvas already says all of it: what follows is the same for the eye.
  const caption = h("span", { class: "good-caption", "aria-hidden": "true" },
    h("span", { class: "good-name" }, entry.name.split("/").at(-1) || `№ ${entry.index}`),
    h("span", { class: label.length + predicted.length > 8 ? "good-names good-names-long" : "good-names" },
      label === predicted ? `✓ ${label}` : [h("span", {}, `${label} `), h("strong", {}, `→ ${predicted}`)]),
    h("span", { class: "number" }, percent(entry.probability)),
    entry.known_wrong && h("span", { class: "good-known" }, "label known to be wrong"),
  );
  return h("button", { class: "good-tile", title: `${title}. Open it in the walk.`, onclick: open }, canvas, caption);
}
