// The filters of each convolution, and the images that excite the selected one most.

import { kernel_pictures } from "#web/core/kernels.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_kernels } from "#web/view/kernels.js";
import { mount as mount_top_images } from "#web/view/top_images.js";

/** @typedef {import("#web/core/state.js").State} State */

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const rows = [...session.bundle.network.layers.entries()].filter(([, row]) => kernel_pictures(session.weights, row).length);
  element.hidden = !rows.length;
  if (!rows.length) return { update() {}, destroy() {} };
  const buttons = rows.map(([at, row]) => h("button", { onclick: () => store.set({ layer: at, channel: 0, row: -1, column: -1 }) }, `${row.name} (${row.output_shape.at(-1)})`));
  const [kernels, images] = [h("div", {}), h("div", {})];
  const hint = h("p", { class: "small soft" }, word("filters.choose"));
  fill(element, h("h2", {}, word("filters.title")),
    h("div", { class: "evaluation-choice", role: "group", "aria-label": word("filters.layers") }, buttons), hint, h("div", { class: "filters-layout" }, kernels, images));
  const views = [mount_kernels(kernels, session, store), mount_top_images(images, session, store)];
  mark(store.get());

  /** @param {State} state */
  function mark(state) {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(rows[i][0] === state.layer)));
    hint.hidden = rows.some(([at]) => at === state.layer);
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      mark(state);
      views.forEach((view) => view.update(state, old));
    },
    destroy() {},
  };
}
