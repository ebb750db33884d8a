// The tutorial's claim about confused pairs, tested on this run.

import { count_pairs } from "#web/core/evaluation.js";
import { count_noun, format_interval, format_rate } from "#web/core/formatting.js";
import { claim_summary } from "#web/core/tutorial_claim.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/tutorial_claim.js").Pair} Pair */
/** @typedef {import("#web/core/state.js").Store} Store */

/**
 * @param {HTMLElement} element hidden where there is no claim about these classes
 * @param {Session} session its bundle has an evaluation
 * @param {Store} store
 */
export function mount(element, session, store) {
  const pairs = /** @type {Pair[]} */ ([...session.bundle.claimed_pairs]).sort((a, b) => a.first - b.first);
  element.hidden = pairs.length === 0;
  if (pairs.length) {
    const named = pairs.map((pair) => `(${pair.first_name}, ${pair.second_name})`).join(" and ");
    const total = count_pairs(session.bundle.evaluation?.confusion);
    fill(element,
      h("h2", {}, "A tutorial's claim, tested"),
      h("p", {}, "A well-known tutorial, “Convolutional Neural Networks With TensorFlow”, says that ", h("strong", {}, `${named} are confused`), `. ${claim_summary(pairs)}`),
      h("div", { class: "evaluation-pairs" }, pairs.map((pair) => pair_result(pair, total, store))));
  }
  return { update() {}, destroy() {} };
}

/** @param {Pair} pair @param {number} total @param {Store} store */
function pair_result(pair, total, store) {
  const { first, second, first_name, second_name, first_as_second, second_as_first } = pair;
  const reversed = second_as_first > first_as_second;
  const cell = reversed ? `${second}-${first}` : `${first}-${second}`;
  const shown = reversed ? `${second_name} predicted as ${first_name}` : `${first_name} predicted as ${second_name}`;
  const significance = pair.distinguishable
    ? `Significantly more often than the average pair (p = ${pair.p_value.toPrecision(1)}).`
    : "Not significantly different from the average pair.";
  return h("div", { class: "evaluation-pair" },
    h("h3", {}, `${first_name} and ${second_name}`, h("span", { class: "soft" }, ` · rank ${pair.rank} of ${total}`)),
    h("p", { class: "number" }, format_rate(pair.rate), h("span", { class: "evaluation-interval" }, format_interval(pair.rate))),
    h("p", { class: "small soft" }, `${pair.errors} of ${count_noun(pair.rate.n)}: ${first_as_second} × ${first_name} predicted as ${second_name}, ${second_as_first} × ${second_name} as ${first_name}. ${significance}`),
    pair.errors > 0 && h("button", { "data-opens-cell": true, onclick: () => store.set({ cell }) }, `Show ${shown}`));
}
