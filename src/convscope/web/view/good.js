// The room "how good is it?": the verdict, and every view of the measurement.

import { interval, many, share } from "#web/core/figures.js";
import { count } from "#web/core/scale.js";
import { verdict_words } from "#web/core/verdict.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_claim } from "#web/view/claim.js";
import { mount as mount_confusion } from "#web/view/confusion.js";
import { mount as mount_curves } from "#web/view/curves.js";
import { mount as mount_mistakes } from "#web/view/mistakes.js";
import { mount as mount_reliability } from "#web/view/reliability.js";
import { mount as mount_scores } from "#web/view/scores.js";

/** @typedef {import("#web/core/evaluation.js").Lens} Lens */
/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */
/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/state.js").Store} Store */

/** @typedef {{name: string, column: string, mount: (element: HTMLElement, lens: Lens, store: Store) => {update: (state: State, old: State) => void, destroy: () => void}}} View */

const COLUMNS = ["left", "right", "wide"];
const CURVES = { name: "curves", column: "wide", mount: mount_curves };
/** @type {View[]} */
const MEASURED = [
  { name: "confusion", column: "left", mount: mount_confusion },
  { name: "claim", column: "left", mount: mount_claim },
  { name: "scores", column: "right", mount: mount_scores },
  { name: "reliability", column: "right", mount: mount_reliability },
  CURVES,
  { name: "mistakes", column: "wide", mount: mount_mistakes },
];

/**
 * @param {HTMLElement} element
 * @param {Lens} lens
 * @param {Store} store
 */
export function mount(element, lens, store) {
  const views = lens.bundle.evaluation ? MEASURED : [CURVES];
  const cards = views.map(({ name }) => h("section", { class: `card good-card good-${name}` }));
  const stack = (/** @type {string} */ column) => h("div", { class: `good-stack good-stack-${column}` }, cards.filter((_, at) => views[at].column === column));
  fill(element, h("div", { class: "good-room" }, verdict(lens), COLUMNS.map(stack)));
  const mounted = views.map((view, at) => view.mount(cards[at], lens, store));
  return {
    /** @param {State} state @param {State} old */
    update: (state, old) => mounted.forEach((view) => view.update(state, old)),
    destroy: () => mounted.forEach((view) => view.destroy()),
  };
}

/** @param {Lens} lens */
function verdict({ bundle }) {
  const { evaluation, pictures } = bundle;
  if (!evaluation) {
    return h("section", { class: "card good-card good-verdict" }, h("h2", {}, "Not measured"),
      h("p", {}, "This run has neither test nor validation images that it was measured on, so that nobody knows how good it is."));
  }
  /** @type {Proportion|null} */
  const without = evaluation.accuracy_without_known_wrong;
  return h("section", { class: "card good-card good-verdict" },
    h("div", {},
      h("h2", { class: "good-big" }, h("strong", {}, share(evaluation.accuracy)), ` right, of ${many(evaluation.n, `${pictures.part} image`)}`),
      h("p", {}, `95 % interval: ${interval(evaluation.accuracy)}`),
      without && h("p", { class: "small soft" }, `Without the ${many(evaluation.n - without.n)} whose label is known to be wrong: ${share(without)} (${interval(without)}), n = ${count(without.n)}.`)),
    h("div", {}, verdict_words(evaluation.accuracy, pictures.part).map((sentence) => h("p", {}, sentence))));
}
