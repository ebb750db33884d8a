// The images that excite the selected map most, each with the place that its largest value depends on.

import { picture_title } from "#web/core/captions.js";
import { count, short } from "#web/core/scale.js";
import { pixels_at } from "#web/core/selected_image.js";
import { top_images } from "#web/core/top_images.js";
import { part_name, word } from "#web/core/words.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { place_frame } from "#web/view/feature_map.js";

/** @typedef {import("#web/core/state.js").State} State */

/**
 * Shows State.layer and State.channel; an image opens in the network tab, at the largest value.
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle, pixels } = session;
  redraw();

  function redraw() {
    const { layer, channel } = store.get();
    const found = top_images(bundle, layer, channel);
    element.hidden = !found;
    if (!found) return;
    const facts = { count: count(found.examined), part: part_name(bundle.pictures.part), best: short(found.best) };
    const silent = found.best <= 0 && found.images.every(({ value }) => value <= 0);
    const note = word(silent ? "top.silent" : "top.note", facts);
    fill(element, h("h3", {}, word("top.title", { map: channel, layer: found.convolution })), h("p", { class: "small soft" }, note),
      h("ul", { class: "top-images" }, found.images.map((image) => h("li", {}, tile(image, found.layer)))));
  }

  /** @param {import("#web/core/top_images.js").TopImage} image @param {number} layer */
  function tile({ entry, row, column, value, span }, layer) {
    const [, ...shape] = pixels.shape;
    const canvas = h("canvas", { role: "img", "aria-label": picture_title(bundle, bundle.pictures.entries[entry]) });
    paint_bytes(canvas, shape, pixels_at(pixels, entry));
    const frame = h("span", { class: "frame cursor" });
    place_frame(frame, span, shape);
    const open = () => store.set({ tab: "network", picture: `p${entry}`, layer, channel: store.get().channel, row, column });
    return h("button", { class: "top-image", title: word("image.network"), onclick: open },
      h("span", { class: "framed" }, canvas, frame), h("span", { class: "number small" }, `${bundle.class_names[bundle.pictures.entries[entry].label]} · ${short(value)}`));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.layer !== old.layer || state.channel !== old.channel) redraw();
    },
    destroy() {},
  };
}
