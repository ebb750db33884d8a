// The evaluation tab: accuracy, confusion matrix, scores, calibration, training curves, mistakes.

import { format_interval, format_rate } from "#web/core/formatting.js";
import { count } from "#web/core/scale.js";
import { accuracy_summary } from "#web/core/accuracy_summary.js";
import { counted, part_name, word, word_parts } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_claim } from "#web/view/tutorial_claim.js";
import { mount as mount_confusion } from "#web/view/confusion.js";
import { mount as mount_curves } from "#web/view/curves.js";
import { mount as mount_guarantees } from "#web/view/guarantees.js";
import { mount as mount_learning } from "#web/view/learning.js";
import { mount as mount_mistakes } from "#web/view/mistakes.js";
import { mount as mount_reliability } from "#web/view/reliability.js";
import { mount as mount_scores } from "#web/view/scores.js";
import { mount as mount_test_map } from "#web/view/test_map.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */
/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/state.js").Store} Store */

/** @typedef {{name: string, column: string, mount: (element: HTMLElement, session: Session, store: Store) => {update: (state: State, old: State) => void, destroy: () => void}}} View */

const COLUMNS = ["left", "right", "wide"];
const CURVES = { name: "curves", column: "wide", mount: mount_curves };
const LEARNING = { name: "learning", column: "wide", mount: mount_learning };
/** @type {View[]} */
const MEASURED = [
  { name: "confusion", column: "left", mount: mount_confusion },
  { name: "claim", column: "left", mount: mount_claim },
  { name: "scores", column: "right", mount: mount_scores },
  { name: "guarantees", column: "right", mount: mount_guarantees },
  { name: "reliability", column: "right", mount: mount_reliability },
  CURVES,
  LEARNING,
  { name: "test-map", column: "wide", mount: mount_test_map },
  { name: "mistakes", column: "wide", mount: mount_mistakes },
];

/**
 * @param {HTMLElement} element
 * @param {Session} session
 * @param {Store} store
 */
export function mount(element, session, store) {
  const views = session.bundle.evaluation ? MEASURED : [CURVES, LEARNING];
  const cards = views.map(({ name }) => h("section", { class: `card evaluation-card good-${name}` }));
  const stack = (/** @type {string} */ column) => h("div", { class: `evaluation-stack evaluation-stack-${column}` }, cards.filter((_, at) => views[at].column === column));
  fill(element, h("div", { class: "evaluation-layout" }, headline(session), COLUMNS.map(stack)));
  const mounted = views.map((view, at) => view.mount(cards[at], session, store));
  return {
    /** @param {State} state @param {State} old */
    update: (state, old) => mounted.forEach((view) => view.update(state, old)),
    destroy: () => mounted.forEach((view) => view.destroy()),
  };
}

/** @param {Session} session */
function headline({ bundle }) {
  const { evaluation, pictures } = bundle;
  if (!evaluation) {
    return h("section", { class: "card evaluation-card evaluation-verdict" }, h("h2", {}, word("evaluation.none")),
      h("p", {}, word("evaluation.none_long")));
  }
  if (bundle.cross_validation) return by_folds(bundle, bundle.cross_validation);
  /** @type {Proportion|null} */
  const corrected = evaluation.accuracy_without_known_wrong;
  return h("section", { class: "card evaluation-card evaluation-verdict" },
    h("div", {},
      h("h2", { class: "evaluation-big" }, word_parts(evaluation.n === 1 ? "evaluation.accuracy.one" : "evaluation.accuracy", { rate: h("strong", {}, format_rate(evaluation.accuracy)), count: count(evaluation.n), part: part_name(pictures.part) })),
      h("p", {}, word("evaluation.interval", { interval: format_interval(evaluation.accuracy) })),
      corrected && h("p", { class: "small soft" }, word("evaluation.corrected", { images: counted("n.images", evaluation.n - corrected.n), rate: format_rate(corrected), interval: format_interval(corrected), count: count(corrected.n) }))),
    h("div", {}, accuracy_summary(evaluation.accuracy, pictures.part).map((sentence) => h("p", {}, sentence))));
}

/**
 * The accuracy of all images, and which images the cards below are about.
 * @param {import("#web/bundle.d.ts").Bundle} bundle
 * @param {import("#web/bundle.d.ts").CrossValidationJson} measured
 */
function by_folds({ evaluation, pictures }, { folds, ...measured }) {
  const accuracy = /** @type {Proportion} */ (measured.accuracy);
  const here = { rate: format_rate(evaluation?.accuracy), count: count(evaluation?.n), part: part_name(pictures.part) };
  return h("section", { class: "card evaluation-card evaluation-verdict" },
    h("div", {},
      h("h2", { class: "evaluation-big" }, word_parts("evaluation.accuracy.folds", { rate: h("strong", {}, format_rate(accuracy)), count: count(accuracy.n), folds: count(folds) })),
      h("p", {}, word("evaluation.interval", { interval: format_interval(accuracy) }))),
    h("div", {}, [...accuracy_summary(accuracy, "cross_validation"), word("evaluation.of_this_network", here)].map((sentence) => h("p", {}, sentence))));
}
