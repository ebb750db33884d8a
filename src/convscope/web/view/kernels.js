// The filters of the selected convolution as pictures.

import { color_bytes, kernel_pictures } from "#web/core/kernels.js";
import { largest_magnitude } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { legend, paint_map } from "#web/view/feature_map.js";

/** @typedef {import("#web/core/state.js").State} State */

const MOST = 512;

/**
 * Shows State.layer, and selects State.channel.
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { network } = session.bundle;
  /** @type {HTMLButtonElement[]} */
  let buttons = [];
  redraw();

  function redraw() {
    const row = network.layers[store.get().layer];
    const pictures = kernel_pictures(session.weights, row).slice(0, MOST);
    element.hidden = !pictures.length;
    if (!pictures.length) return;
    const most = Math.max(...pictures.map(({ slice }) => largest_magnitude(slice.data)));
    const focused = buttons.findIndex((button) => button === document.activeElement);
    buttons = pictures.map(({ filter, input, slice }) => {
      const canvas = h("canvas", { "aria-hidden": "true" });
      if (input < 0) paint_bytes(canvas, slice.shape, color_bytes(slice));
      else paint_map(canvas, slice, 0, most);
      const title = row.input_shape[2] > 1 && input >= 0 ? word("kernels.reads", { filter, input }) : word("kernels.filter", { filter });
      return h("button", { class: "kernel", title, "aria-label": title, onclick: () => store.set({ channel: filter }) }, canvas);
    });
    const colors = pictures[0].input < 0;
    const [, , depth, filters] = session.weights[`${row.name}/kernel`].shape;
    const deep = !colors && depth > 1 && filters === row.output_shape[2];
    const note = colors ? word("kernels.colors") : deep ? word("kernels.slices", { maps: depth }) : word("kernels.one");
    fill(element, h("h3", {}, word("kernels.title", { layer: row.name })), h("p", { class: "small soft" }, note),
      h("div", { class: "kernels", role: "group", "aria-label": word("kernels.title", { layer: row.name }) }, buttons),
      colors ? null : h("div", { class: "kernel-scale" }, legend(most)));
    mark(store.get());
    if (focused >= 0) buttons[focused]?.focus();
  }

  /** @param {State} state */
  function mark(state) {
    buttons.forEach((button, filter) => button.setAttribute("aria-pressed", String(filter === state.channel)));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.layer !== old.layer || state.moment !== old.moment) redraw();
      else if (state.channel !== old.channel) mark(state);
    },
    destroy() {},
  };
}
