// Images of the evaluated split to choose from: taken in turn from each class, not selected by prediction.

import { pixels_at } from "#web/core/session.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";

/** @typedef {import("#web/core/state.js").State} State */

const THUMB = 64;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle, pixels } = session;
  const shown = [...bundle.pictures.entries.entries()].filter(([, entry]) => entry.gallery);
  const sheet = contact_sheet(bundle.network.input_shape, shown.map(([position]) => pixels_at(pixels, position)));
  const buttons = shown.map(([position, entry], order) => {
    const label = `image ${entry.index}: ${bundle.class_names[entry.label]}`;
    return h("button", {
      class: "gallery-item", "aria-label": label, title: label, "data-picture": `p${position}`,
      onclick: () => store.set({ picture: `p${position}`, row: -1, column: -1 }),
    }, h("span", { class: "gallery-thumb", style: sheet.place(order) }));
  });
  if (buttons.length) {
    fill(element, h("p", { class: "small soft" }, `Or choose a ${bundle.pictures.part} image (not used in training):`),
      h("div", { class: "gallery-row scroll", style: sheet.style, role: "group", "aria-label": "Images to choose from" }, buttons));
  } else {
    fill(element, h("p", { class: "small soft" }, "This page has no images: the dataset was not available when it was written."));
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

/**
 * All thumbnails in one image: sixty canvases would delay the first image by a tenth of a second.
 * @param {number[]} shape @param {Uint8Array[]} pictures
 * @returns {{style: string, place: (order: number) => string}} the style of the row, and of each thumbnail in it
 */
function contact_sheet([height, width, channels], pictures) {
  const scale = Math.min(1, THUMB / Math.max(height, width));
  const [tall, wide] = [height, width].map((side) => Math.max(1, Math.round(side * scale)));
  const sheet = h("canvas", { width: wide * pictures.length || 1, height: tall });
  const one = h("canvas");
  pictures.forEach((picture, order) => {
    paint_bytes(one, [height, width, channels], picture);
    sheet.getContext("2d")?.drawImage(one, order * wide, 0, wide, tall);
  });
  const wide_css = Math.min(88, Math.round((44 * width) / height));
  return {
    style: `--sheet:url(${sheet.toDataURL()});--sheets:${100 * pictures.length}%;--wide:${wide_css}px`,
    place: (order) => `background-position:${(100 * order) / Math.max(1, pictures.length - 1)}% 0`,
  };
}
