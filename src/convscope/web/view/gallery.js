// Images of the measured part to choose from: taken in turn from each class, not by what the network says of them.

import { fill, h, paint_bytes } from "#web/view/dom.js";

/** @typedef {import("#web/core/state.js").State} State */

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/lens.js").Lens} lens
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, lens, store) {
  const { bundle, pixels } = lens;
  const size = bundle.network.input_shape.reduce((a, b) => a * b, 1);
  const shown = [...bundle.pictures.entries.entries()].filter(([, entry]) => entry.gallery);
  const buttons = shown.map(([position, entry]) => {
    const canvas = h("canvas", { "aria-hidden": "true" });
    paint_bytes(canvas, bundle.network.input_shape, pixels.data.subarray(position * size, (position + 1) * size));
    const label = `image ${entry.index}: ${bundle.class_names[entry.label]}`;
    return h("button", {
      class: "gallery-item", "aria-label": label, title: label, "data-picture": `p${position}`,
      onclick: () => store.set({ picture: `p${position}`, row: -1, column: -1 }),
    }, canvas);
  });
  const part = bundle.pictures.part === "test" ? "never used in training" : "not used in training";
  if (buttons.length) {
    fill(element, h("p", { class: "small soft" }, `Or choose one of these, ${part}:`),
      h("div", { class: "gallery-row scroll", role: "group", "aria-label": "Pictures to choose from" }, buttons));
  } else {
    fill(element, h("p", { class: "small soft" }, "This page was written without images: the data could no longer be read."));
  }
  mark(store.get());

  /** @param {State} state */
  function mark(state) {
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.picture === state.picture)));
  }
  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture !== old.picture) mark(state);
    },
    destroy() {},
  };
}
