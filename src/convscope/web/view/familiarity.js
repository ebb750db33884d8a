// Why an image gets no class: its score, the limit, and the images of the page most similar to it.

import { count, percent, short } from "#web/core/scale.js";
import { picture_title } from "#web/core/captions.js";
import { pixels_at } from "#web/core/selected_image.js";
import { word } from "#web/core/words.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";

/** @typedef {import("#web/core/familiarity.js").Answer} Answer */

/** An image that gets a class is marked if it is less familiar than this fraction of the held-out ones. */
const UNUSUAL = 0.95;

/** @param {Answer} answer */
export const is_unusual = ({ known, rank }) => known && rank !== null && rank >= UNUSUAL;

/**
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function familiarity_panel({ bundle, pixels }, store) {
  const element = h("div", { class: "unknown", hidden: true });
  const { rejection, class_names } = bundle;
  const [, ...shape] = pixels.shape;

  /** Images already made: to make a canvas takes longer than all else that an answer needs. @type {Map<number, HTMLElement>} */
  const made = new Map();

  /** @param {number} position */
  function similar(position) {
    const found = made.get(position);
    if (found) return found;
    const entry = bundle.pictures.entries[position];
    const title = picture_title(bundle, entry);
    const canvas = h("canvas", { role: "img", "aria-label": title });
    paint_bytes(canvas, shape, pixels_at(pixels, position));
    const open = () => store.set({ picture: `p${position}`, row: -1, column: -1 });
    const one = h("li", {}, h("button", { class: "unknown-image", title, onclick: open }, canvas, h("span", { "aria-hidden": "true" }, class_names[entry.label])));
    made.set(position, one);
    return one;
  }
  return {
    element,
    /**
     * Of an image that is rejected; null of any other.
     * @param {Answer|null} answer @param {string} closest the most likely class
     */
    show(answer, closest) {
      element.hidden = !answer || answer.known;
      if (!rejection || !answer || answer.known) return;
      const { score } = answer;
      const nearest = score === null ? [] : answer.nearest();
      const limit = score === null || rejection.threshold === null ? word("unknown.blank") : word("unknown.limit", { score: short(score), threshold: short(rejection.threshold), level: `${Number((100 * (rejection.level ?? 0)).toPrecision(2))} %` });
      fill(element,
        h("p", { class: "small" }, limit),
        h("p", { class: "small soft" }, word("unknown.how")),
        nearest.length > 0 && h("p", { class: "small" }, word("unknown.nearest", { closest })),
        score !== null && h("ul", { class: "unknown-images" }, nearest.map(similar)));
    },
    /** One sentence about an image with a score. @param {Answer} answer */
    rank: (answer) => (answer.rank === null ? "" : word(is_unusual(answer) ? "unknown.unusual" : "unknown.rank", { rank: percent(answer.rank), count: count(rejection?.n ?? 0) })),
  };
}
