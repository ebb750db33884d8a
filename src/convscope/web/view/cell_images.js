// The images of one cell of the confusion matrix.

import { images_of_cell } from "#web/core/evaluation.js";
import { count_noun } from "#web/core/formatting.js";
import { count } from "#web/core/scale.js";
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
      h("button", { onclick: () => store.set({ cell: "" }), "aria-label": "Close these images" }, "Close")),
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
  const what = truth === predicted ? "predicted correctly" : `predicted as ${class_names[predicted]}`;
  return `${class_names[truth]} ${what}: ${count_noun(total)}`;
}

/** @param {number} here @param {number} total @param {boolean} correct @param {boolean} any */
function note(here, total, correct, any) {
  if (!any) return "This page has no images: the dataset was not available when it was written.";
  if (!total) return "This cell has no images.";
  if (!here) return `None of these ${count_noun(total)} is included in this page.`;
  const examples = `Showing ${count(here)} of ${count(total)}, not selected by prediction.`;
  if (correct) return examples;
  return here < total ? `Showing ${count(here)} of ${count(total)}, sorted by confidence.` : "Sorted by confidence.";
}
