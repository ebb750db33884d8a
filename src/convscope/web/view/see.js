// The first room: choose or draw a picture, see the answer, walk the layers, touch a number, ask why.

import { fill, h } from "#web/view/dom.js";
import { mount as mount_answer } from "#web/view/answer.js";
import { mount as mount_gallery } from "#web/view/gallery.js";
import { mount as mount_layer } from "#web/view/layer.js";
import { mount as mount_number } from "#web/view/number.js";
import { mount as mount_pad } from "#web/view/pad.js";
import { mount as mount_strip } from "#web/view/strip.js";
import { mount as mount_why } from "#web/view/why.js";

/** @typedef {import("#web/core/state.js").State} State */

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/lens.js").Lens} lens
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, lens, store) {
  const place = (/** @type {string} */ name) => h("div", { class: `see-${name}` });
  const [pad, answer, gallery, why] = ["pad card", "answer card", "gallery", "why card"].map(place);
  const [strip, layer, number] = ["strip", "layer card", "number card"].map(place);
  fill(
    element,
    h("div", { class: "see-top" }, pad, answer),
    gallery,
    h("h2", {}, "Walk the network"),
    h("p", { class: "soft" }, "From the picture to the answer, layer by layer. Choose one to see what it makes of the picture."),
    strip,
    h("div", { class: "see-middle" }, layer, number),
    why,
  );
  const views = [
    mount_pad(pad, lens, store), mount_answer(answer, lens, store), mount_gallery(gallery, lens, store),
  ];
  // what lies below the first screen does not hold it up
  let later = requestAnimationFrame(() => {
    later = requestAnimationFrame(() => setTimeout(() => {
      views.push(
        mount_strip(strip, lens, store), mount_layer(layer, lens, store), mount_number(number, lens, store),
        mount_why(why, lens, store),
      );
    }));
  });
  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      views.forEach((view) => view.update(state, old));
    },
    destroy() {
      cancelAnimationFrame(later);
      views.forEach((view) => view.destroy());
    },
  };
}
