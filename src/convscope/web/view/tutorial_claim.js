// The tutorial's claim about confused pairs, tested on this run.

import { count_pairs } from "#web/core/evaluation.js";
import { format_interval, format_rate } from "#web/core/formatting.js";
import { claim_summary } from "#web/core/tutorial_claim.js";
import { counted, word, word_parts } from "#web/core/words.js";
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
    const named = pairs.map((pair) => `(${pair.first_name}, ${pair.second_name})`).reduce((first, second) => word("and", { first, second }));
    const total = count_pairs(session.bundle.evaluation?.confusion);
    fill(element,
      h("h2", {}, word("claim.title")),
      h("p", {}, word_parts("claim.says", { pairs: h("strong", {}, word("claim.confused", { pairs: named })), result: claim_summary(pairs) })),
      h("div", { class: "evaluation-pairs" }, pairs.map((pair) => pair_result(pair, total, store))));
  }
  return { update() {}, destroy() {} };
}

/** @param {Pair} pair @param {number} total @param {Store} store */
function pair_result(pair, total, store) {
  const { first, second, first_name, second_name, first_as_second, second_as_first } = pair;
  const reversed = second_as_first > first_as_second;
  const cell = reversed ? `${second}-${first}` : `${first}-${second}`;
  const shown = reversed ? { first: second_name, second: first_name } : { first: first_name, second: second_name };
  const significance = word(pair.distinguishable ? "claim.significant" : "claim.not_significant", { p: pair.p_value.toPrecision(1) });
  const errors = { errors: pair.errors, images: counted("n.images", pair.rate.n), once: first_as_second, twice: second_as_first, first: first_name, second: second_name, significance };
  return h("div", { class: "evaluation-pair" },
    h("h3", {}, word("and", { first: first_name, second: second_name }), h("span", { class: "soft" }, ` · ${word("claim.rank", { rank: pair.rank, total })}`)),
    h("p", { class: "number" }, format_rate(pair.rate), h("span", { class: "evaluation-interval" }, format_interval(pair.rate))),
    h("p", { class: "small soft" }, word("claim.errors", errors)),
    pair.errors > 0 && h("button", { "data-opens-cell": true, onclick: () => store.set({ cell }) }, word("claim.show", shown)));
}
