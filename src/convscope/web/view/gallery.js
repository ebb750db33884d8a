// Ten examples to choose from, and all images of the gallery in a dialog: taken in turn from each class, not selected by prediction.

import { pixels_at } from "#web/core/selected_image.js";
import { part_name, word } from "#web/core/words.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";

/** @typedef {import("#web/core/state.js").State} State */

const THUMB = 64;
const EXAMPLES = 10;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle, pixels } = session;
  const shown = [...bundle.pictures.entries.entries()].filter(([, entry]) => entry.gallery);
  const sheet = contact_sheet(bundle.network.input_shape, shown.map(([position]) => pixels_at(pixels, position)));
  const part = part_name(bundle.pictures.part === "test" ? "test" : "validation");
  const examples = shown.slice(0, EXAMPLES).map(button);
  const all = h("dialog", { class: "gallery-dialog", "aria-label": word("gallery.dialog", { part }) });
  const row = h("div", { class: "gallery-row", style: sheet.style, role: "group", "aria-label": word("gallery.examples"), onkeydown: (/** @type {KeyboardEvent} */ event) => arrows(event, examples) }, examples);
  const more = h("button", { class: "gallery-more", onclick: open, title: word("gallery.all", { count: shown.length, part }) }, word("gallery.more", { count: shown.length }));
  if (shown.length) fill(element, row, shown.length > EXAMPLES && more, all);
  else fill(element, h("p", { class: "small soft" }, word("pictures.none")));
  mark(store.get());

  /** @param {[number, import("#web/bundle.d.ts").PictureJson]} one @param {number} order */
  function button([position, entry], order) {
    const label = word("gallery.image", { index: entry.index, name: bundle.class_names[entry.label] });
    return h("button", {
      class: "gallery-item", "aria-label": label, title: label, "data-picture": `p${position}`,
      onclick: () => {
        // a drawing whose answer is due is dropped, also where this image is still the selected one
        if (session.live) store.set({ picture: "" });
        all.close();
        store.set({ picture: `p${position}`, row: -1, column: -1 });
      },
    }, h("span", { class: "gallery-thumb", style: sheet.place(order) }));
  }
  function open() {
    const buttons = shown.map(button);
    fill(all,
      h("form", { method: "dialog", class: "gallery-head" }, h("h2", {}, word("gallery.title", { count: shown.length, part })), h("button", {}, word("close"))),
      h("p", { class: "small soft" }, word("gallery.note")),
      h("div", { class: "gallery-all", style: sheet.style, role: "group", "aria-label": word("gallery.choose"), onkeydown: (/** @type {KeyboardEvent} */ event) => arrows(event, buttons) }, buttons));
    mark(store.get());
    all.showModal();
  }

  /** @param {State} state */
  function mark(state) {
    for (const group of [examples, [.../** @type {NodeListOf<HTMLButtonElement>} */ (all.querySelectorAll(".gallery-item"))]]) {
      const chosen = group.findIndex((one) => one.dataset.picture === state.picture);
      group.forEach((one, at) => {
        one.setAttribute("aria-pressed", String(at === chosen));
        one.tabIndex = at === Math.max(0, chosen) ? 0 : -1; // one tab stop
      });
    }
  }
  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture !== old.picture) mark(state);
    },
    destroy() {},
  };
}

/** @param {KeyboardEvent} event @param {HTMLElement[]} group */
function arrows(event, group) {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -5, ArrowDown: 5 }[event.key];
  const now = group.findIndex((one) => one === document.activeElement);
  if (!step || now < 0) return;
  event.preventDefault();
  group[Math.min(Math.max(now + step, 0), group.length - 1)].focus();
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
  return {
    style: `--sheet:url(${sheet.toDataURL()});--sheets:${100 * pictures.length}%;--aspect:${width} / ${height}`,
    place: (order) => `background-position:${(100 * order) / Math.max(1, pictures.length - 1)}% 0`,
  };
}
