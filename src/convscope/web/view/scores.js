// Precision, recall and F1 of each class, sortable.

import { sort_scores } from "#web/core/evaluation.js";
import { decimals, format_range, format_rate } from "#web/core/formatting.js";
import { count } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */
/** @typedef {import("#web/core/evaluation.js").Score} Score */
/** @typedef {import("#web/core/evaluation.js").ScoreColumn} ScoreColumn */

/** @type {{name: ScoreColumn, title: string, help: string}[]} */
const COLUMNS = [
  { name: "name", title: "scores.class", help: "scores.class_help" },
  { name: "support", title: "scores.images", help: "scores.images_help" },
  { name: "recall", title: "scores.recall", help: "scores.recall_help" },
  { name: "precision", title: "scores.precision", help: "scores.precision_help" },
  { name: "f1", title: "scores.f1", help: "scores.f1_help" },
];

/**
 * @param {HTMLElement} element
 * @param {Session} session its bundle has an evaluation
 */
export function mount(element, session) {
  /** @type {Score[]} */
  const scores = session.bundle.evaluation?.classes;
  // The significant decimals of the largest class, for all rows.
  const digits = decimals(Math.max(1, ...scores.map(({ support }) => support)));
  const heads = COLUMNS.map(({ name, title, help }) =>
    h("th", { scope: "col" }, h("button", { class: "evaluation-sort", title: word(help), onclick: () => choose(name) }, word(title), h("span", { "aria-hidden": "true" }))));
  const body = h("tbody", {});
  const lines = scores.map((score) => line(score, digits));
  /** @type {{column: ScoreColumn, descending: boolean}} */
  let order = { column: "name", descending: false };
  fill(element,
    h("h2", {}, word("scores.title")),
    h("p", { class: "small soft" }, word("scores.help")),
    h("div", { class: "scroll evaluation-scores-scroll", tabindex: 0, role: "region", "aria-label": word("scores.title") },
      h("table", { class: "evaluation-scores" }, h("caption", { class: "visually-hidden" }, word("scores.caption")), h("thead", {}, h("tr", {}, heads)), body)));
  arrange();

  /** The first click sorts the lowest scores first. @param {ScoreColumn} column */
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
    h("th", { scope: "row", title: score.name }, h("span", { class: "evaluation-row-name" }, score.name)),
    h("td", {}, count(score.support)),
    h("td", {}, measured(score.recall, digits)),
    h("td", {}, measured(score.precision, digits)),
    h("td", {}, score.f1 === null ? word("none") : score.f1.toFixed(3)));
}

/** @param {Proportion|null} proportion @param {number} digits */
function measured(proportion, digits) {
  if (!proportion) return word("none");
  return [format_rate(proportion, digits), h("span", { class: "evaluation-interval" }, format_range(proportion, digits))];
}
