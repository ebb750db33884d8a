// The scores of each class, in the order that the reader asks for.

import { sort_scores } from "#web/core/evaluation.js";
import { decimals, range, share } from "#web/core/figures.js";
import { count } from "#web/core/scale.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Lens} Lens */
/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */
/** @typedef {import("#web/core/evaluation.js").Score} Score */
/** @typedef {import("#web/core/evaluation.js").ScoreColumn} ScoreColumn */

/** @type {{name: ScoreColumn, title: string, help: string}[]} */
const COLUMNS = [
  { name: "name", title: "Class", help: "in the order of the labels" },
  { name: "support", title: "Images", help: "images of this class" },
  { name: "recall", title: "Recall", help: "of the images of this class, the share that was found" },
  { name: "precision", title: "Precision", help: "of the images given to this class, the share that belongs to it" },
  { name: "f1", title: "F1", help: "the harmonic mean of precision and recall" },
];

/**
 * @param {HTMLElement} element
 * @param {Lens} lens its bundle has an evaluation
 */
export function mount(element, lens) {
  /** @type {Score[]} */
  const scores = lens.bundle.evaluation?.classes;
  // One column, one width: the decimals that the largest class can tell apart.
  const digits = decimals(Math.max(1, ...scores.map(({ support }) => support)));
  const heads = COLUMNS.map(({ name, title, help }) =>
    h("th", { scope: "col" }, h("button", { class: "good-sort", title: help, onclick: () => choose(name) }, title, h("span", { "aria-hidden": "true" }))));
  const body = h("tbody", {});
  const lines = scores.map((score) => line(score, digits));
  /** @type {{column: ScoreColumn, descending: boolean}} */
  let order = { column: "name", descending: false };
  fill(element,
    h("h2", {}, "Class by class"),
    h("p", { class: "small soft" }, "Recall: of the images of a class, the share that is found. Precision: of the images given to a class, the share that belongs to it. Below each, its 95 % interval."),
    h("div", { class: "scroll good-scores-scroll", tabindex: 0, role: "region", "aria-label": "Scores of each class" },
      h("table", { class: "good-scores" }, h("caption", { class: "unseen" }, "Scores of each class; the headers sort"), h("thead", {}, h("tr", {}, heads)), body)));
  arrange();

  /** The first press shows the worst: that is what one looks for. @param {ScoreColumn} column */
  function choose(column) {
    order = { column, descending: order.column === column ? !order.descending : false };
    arrange();
  }

  function arrange() {
    heads.forEach((head, at) => {
      const chosen = COLUMNS[at].name === order.column;
      const arrow = chosen ? (order.descending ? " ↓" : " ↑") : "";
      if (chosen) head.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      /** @type {Element} */ (head.querySelector("span")).textContent = arrow;
    });
    fill(body, sort_scores(scores, order.column, order.descending).map((at) => lines[at]));
  }

  return { update() {}, destroy() {} };
}

/** @param {Score} score @param {number} digits */
function line(score, digits) {
  return h("tr", {},
    h("th", { scope: "row", title: score.name }, h("span", { class: "good-row-name" }, score.name)),
    h("td", {}, count(score.support)),
    h("td", {}, measured(score.recall, digits)),
    h("td", {}, measured(score.precision, digits)),
    h("td", {}, score.f1 === null ? "none" : score.f1.toFixed(3)));
}

/** @param {Proportion|null} proportion @param {number} digits */
function measured(proportion, digits) {
  if (!proportion) return "none";
  return [share(proportion, digits), h("span", { class: "good-interval" }, range(proportion, digits))];
}
