// The network tab: draw or choose an image, the network with all its maps, the prediction, and how a value is computed.

import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { in_turn } from "#web/view/in_turn.js";
import { mount as mount_attribution } from "#web/view/attribution.js";
import { mount as mount_dock } from "#web/view/dock.js";
import { mount as mount_gallery } from "#web/view/gallery.js";
import { mount as mount_pad } from "#web/view/drawing_pad.js";
import { mount as mount_picture } from "#web/view/network_picture.js";
import { mount as mount_prediction } from "#web/view/prediction.js";
import { mount as mount_server_answer } from "#web/view/server_answer.js";
import { sheet } from "#web/view/sheet.js";
import { mount as mount_value } from "#web/view/activation_value.js";

/** @typedef {import("#web/core/state.js").State} State */

const TRAVEL = 250; // milliseconds
const ABOVE = 0.34; // of the screen, above a raised sheet: the selected map stays visible
const LONG = 10; // characters: longer class names get more room

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const place = (/** @type {string} */ name) => h("div", { class: `network-${name}` });
  const [pad, gallery, picture, prediction, attribution, dock] = ["pad", "gallery", "picture", "prediction", "attribution", "dock card"].map(place);
  const dialog = value_dialog(session, store);
  const left = h("div", { class: "network-left" }, pad, gallery);
  const right = h("div", { class: "network-right" }, prediction, attribution);
  fill(element, h("div", { class: session.bundle.class_names.some((name) => name.length > LONG) ? "explorer long-names" : "explorer" }, left, picture, right, dock), dialog.element);
  const answer = mount_prediction(prediction, session, store);
  const raised = sheet(dock);
  /** @type {ReturnType<typeof mount_dock>|null} */
  let values = null;
  const network = mount_picture(picture, session, store, {
    class_point: (map) => beside(answer.point(map), picture),
    picked(from) {
      raised.raise();
      if (raised.handle.offsetParent && from.bottom > innerHeight * ABOVE) scrollBy({ top: from.bottom - innerHeight * ABOVE, behavior: calm() ? "instant" : "smooth" });
      else if (values) travel(from, values.target());
    },
  });
  const [views, behind] = [[mount_pad(pad, session, store), answer, ...(session.server ? [mount_server_answer(prediction, session, store)] : [])], in_turn(session, () => void element.offsetHeight)];
  behind.push(network);
  const moving = (/** @type {typeof answer.details} */ { update, destroy }) => ({
    update: (/** @type {State} */ state, /** @type {State} */ old) => (update(state, old), network.bars_moved()),
    destroy,
  });
  behind.push_slow(moving(answer.details));
  behind.push_long(moving(answer.reasons));
  // the first image does not wait for the rest
  let later = requestAnimationFrame(() => {
    later = requestAnimationFrame(() => setTimeout(() => {
      values = mount_dock(dock, session, store);
      dock.prepend(raised.handle);
      dock.querySelector(".dock-buttons")?.append(dialog.button);
      behind.push_long(values);
      behind.push_slow(mount_gallery(gallery, session, store), mount_attribution(attribution, session, store), dialog);
    }));
  });
  const bars = prediction.querySelector(".prediction-bars");
  bars?.addEventListener("scroll", network.bars_moved);
  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      [...views, behind].forEach((view) => view.update(state, old));
    },
    print: network.print,
    destroy() {
      cancelAnimationFrame(later);
      bars?.removeEventListener("scroll", network.bars_moved);
      [...views, behind].forEach((view) => view.destroy());
    },
  };
}

/** A bar that lies to the right of the picture, at its height. @param {{x: number, y: number}|null} point @param {HTMLElement} picture */
function beside(point, picture) {
  const box = picture.getBoundingClientRect();
  return point && point.x >= box.right - 1 && point.x < box.right + 60 ? point : null;
}

/** Whether motion is to be avoided. */
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A frame moves from the map to its large copy. @param {DOMRect} from @param {DOMRect} to */
function travel(from, to) {
  if (!to.width || calm()) return;
  const frame = h("span", { class: "frame traveler", "aria-hidden": "true" });
  document.body.append(frame);
  const at = (/** @type {DOMRect} */ box) => ({ left: `${box.left}px`, top: `${box.top}px`, width: `${box.width}px`, height: `${box.height}px` });
  frame.animate([at(from), at(to)], { duration: TRAVEL, easing: "ease-in-out" }).finished.then(() => frame.remove(), () => frame.remove());
}

/** Every term of the selected value, in a dialog. @param {import("#web/core/session.js").Session} session @param {import("#web/core/state.js").Store} store */
function value_dialog(session, store) {
  const body = h("div", { class: "network-value" });
  const element = h("dialog", { class: "value-dialog", "aria-label": word("value.every") },
    h("form", { method: "dialog", class: "gallery-head" }, h("span", {}), h("button", {}, word("close"))), body);
  const view = mount_value(body, session, store, () => element.open);
  const button = h("button", { class: "dock-more", onclick: () => (element.showModal(), view.show()) }, word("value.all"));
  return { element, button, update: view.update, destroy: view.destroy };
}
