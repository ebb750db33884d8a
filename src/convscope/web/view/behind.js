// The images behind one cell of the confusion matrix, and how many of them the page has.

import { images_of_cell } from "#web/core/evaluation.js";
import { many } from "#web/core/figures.js";
import { count } from "#web/core/scale.js";
import { h } from "#web/view/dom.js";
import { tiles } from "#web/view/tile.js";

/** @typedef {import("#web/core/evaluation.js").Cell} Cell */
/** @typedef {import("#web/core/evaluation.js").Lens} Lens */
/** @typedef {import("#web/core/state.js").Store} Store */

/**
 * @param {Lens} lens its bundle has an evaluation
 * @param {Store} store
 * @param {Cell} cell
 * @returns {HTMLElement[]}
 */
export function behind(lens, store, cell) {
  const { evaluation, pictures } = lens.bundle;
  const images = images_of_cell(pictures.entries, cell);
  const total = evaluation?.confusion[cell.truth][cell.predicted];
  const right = cell.truth === cell.predicted;
  return [
    h("div", { class: "good-behind-head" },
      h("h3", {}, cell_title(lens.bundle, cell)),
      h("button", { onclick: () => store.set({ cell: "" }), "aria-label": "Close these images" }, "Close")),
    h("p", { class: "small soft" }, note(images.length, total, right, pictures.entries.length > 0)),
    tiles(lens, store, images),
  ];
}

/**
 * @param {import("#web/bundle.d.ts").Bundle} bundle with an evaluation
 * @param {Cell} cell
 * @returns {string} "4, taken for 9: 5 images"
 */
export function cell_title({ class_names, evaluation }, { truth, predicted }) {
  const total = evaluation?.confusion[truth][predicted];
  const what = truth === predicted ? "recognised" : `taken for ${class_names[predicted]}`;
  return `${class_names[truth]}, ${what}: ${many(total)}`;
}

/** @param {number} here @param {number} total @param {boolean} right @param {boolean} any */
function note(here, total, right, any) {
  if (!any) return "This page was written without images: there were no data to take them from.";
  if (!total) return "No image is in this cell.";
  if (!here) return `None of these ${many(total)} is on this page.`;
  const examples = `${many(here, "example")} of ${count(total)}, not chosen by what the network says of them.`;
  if (right) return examples;
  return here < total ? `Most confident first. Showing ${count(here)} of ${count(total)}.` : "Most confident first.";
}
