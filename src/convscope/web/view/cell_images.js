// The images of one cell of the confusion matrix.

import { images_of_cell } from "#web/core/evaluation.js";
import { count } from "#web/core/scale.js";
import { counted, word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";
import { tiles } from "#web/view/image_tile.js";

/** @typedef {import("#web/core/evaluation.js").Cell} Cell */
/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/state.js").Store} Store */

/**
 * @param {Session} session its bundle has an evaluation
 * @param {Store} store
 * @param {Cell} cell
 * @returns {HTMLElement[]}
 */
export function cell_images(session, store, cell) {
  const { evaluation, pictures } = session.bundle;
  const images = images_of_cell(pictures.entries, cell);
  const total = evaluation?.confusion[cell.truth][cell.predicted];
  const correct = cell.truth === cell.predicted;
  return [
    h("div", { class: "cell-images-head" },
      h("h3", {}, cell_title(session.bundle, cell)),
      h("button", { onclick: () => store.set({ cell: "" }), "aria-label": word("cell.close") }, word("close"))),
    h("p", { class: "small soft" }, note(images.length, total, correct, pictures.entries.length > 0)),
    tiles(session, store, images),
  ];
}

/**
 * @param {import("#web/bundle.d.ts").Bundle} bundle with an evaluation
 * @param {Cell} cell
 * @returns {string} "4 predicted as 9: 5 images"
 */
export function cell_title({ class_names, evaluation }, { truth, predicted }) {
  const total = evaluation?.confusion[truth][predicted];
  const facts = { name: class_names[truth], other: class_names[predicted], images: counted("n.images", total) };
  return word(truth === predicted ? "cell.title_right" : "cell.title_wrong", facts);
}

/** @param {number} here @param {number} total @param {boolean} correct @param {boolean} any */
function note(here, total, correct, any) {
  if (!any) return word("pictures.none");
  if (!total) return word("cell.empty");
  if (!here) return word("cell.absent", { images: counted("n.images", total) });
  const facts = { count: count(here), all: count(total) };
  if (correct) return word("cell.examples", facts);
  return here < total ? word("cell.some", facts) : word("cell.sorted");
}
