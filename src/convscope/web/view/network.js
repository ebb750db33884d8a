// The network tab: draw or choose an image, its prediction, the layers, one value, an explanation.

import { fill, h } from "#web/view/dom.js";
import { in_turn } from "#web/view/in_turn.js";
import { mount as mount_prediction } from "#web/view/prediction.js";
import { mount as mount_gallery } from "#web/view/gallery.js";
import { mount as mount_layer } from "#web/view/layer.js";
import { mount as mount_value } from "#web/view/activation_value.js";
import { mount as mount_pad } from "#web/view/drawing_pad.js";
import { mount as mount_layers } from "#web/view/layer_strip.js";
import { mount as mount_attribution } from "#web/view/attribution.js";

/** @typedef {import("#web/core/state.js").State} State */

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const place = (/** @type {string} */ name) => h("div", { class: `network-${name}` });
  const [pad, prediction, gallery, attribution] = ["pad card", "prediction card", "gallery", "attribution card"].map(place);
  const [strip, layer, value] = ["strip", "layer card", "value card"].map(place);
  fill(
    element,
    h("div", { class: "network-top" }, pad, prediction),
    gallery,
    h("h2", {}, "Layers"),
    h("p", { class: "soft" }, "From the image to the prediction. Select a layer to see its feature maps."),
    strip,
    h("div", { class: "network-middle" }, layer, value),
    attribution,
  );
  const [views, below] = [[
    mount_pad(pad, session, store), mount_prediction(prediction, session, store), mount_gallery(gallery, session, store),
  ], in_turn(session)];
  // what lies below the first screen is mounted later
  let later = requestAnimationFrame(() => {
    later = requestAnimationFrame(() => setTimeout(() => {
      below.push(
        mount_layers(strip, session, store), mount_layer(layer, session, store), mount_value(value, session, store),
        mount_attribution(attribution, session, store),
      );
    }));
  });
  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      [...views, below].forEach((view) => view.update(state, old));
    },
    destroy() {
      cancelAnimationFrame(later);
      [...views, below].forEach((view) => view.destroy());
    },
  };
}
