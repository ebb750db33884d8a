// What the tutorial says is confused, asked of this run.

import { count_pairs } from "#web/core/evaluation.js";
import { interval, many, share } from "#web/core/figures.js";
import { claim_verdict } from "#web/core/claim.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Lens} Lens */
/** @typedef {import("#web/core/claim.js").Pair} Pair */
/** @typedef {import("#web/core/state.js").Store} Store */

/**
 * @param {HTMLElement} element hidden where nothing is claimed of these classes
 * @param {Lens} lens its bundle has an evaluation
 * @param {Store} store
 */
export function mount(element, lens, store) {
  const pairs = /** @type {Pair[]} */ ([...lens.bundle.claimed_pairs]).sort((a, b) => a.first - b.first);
  element.hidden = pairs.length === 0;
  if (pairs.length) {
    const named = pairs.map((pair) => `(${pair.first_name}, ${pair.second_name})`).join(" and ");
    const total = count_pairs(lens.bundle.evaluation?.confusion);
    fill(element,
      h("h2", {}, "A textbook claim, tested"),
      h("p", {}, "A well-known tutorial, “Convolutional Neural Networks With TensorFlow”, says that ", h("strong", {}, `${named} are confused`), `. ${claim_verdict(pairs)}`),
      h("div", { class: "good-pairs" }, pairs.map((pair) => answer(pair, total, store))));
  }
  return { update() {}, destroy() {} };
}

/** @param {Pair} pair @param {number} total @param {Store} store */
function answer(pair, total, store) {
  const { first, second, first_name, second_name, first_as_second, second_as_first } = pair;
  const turned = second_as_first > first_as_second;
  const cell = turned ? `${second}-${first}` : `${first}-${second}`;
  const shown = turned ? `${second_name} taken for ${first_name}` : `${first_name} taken for ${second_name}`;
  const chance = pair.distinguishable
    ? `More than the average pair, beyond chance (p = ${pair.p_value.toPrecision(1)}).`
    : "Not told apart from the average pair: another test set could well put another pair here.";
  return h("div", { class: "good-pair" },
    h("h3", {}, `${first_name} and ${second_name}`, h("span", { class: "soft" }, ` · rank ${pair.rank} of ${total}`)),
    h("p", { class: "number" }, share(pair.rate), h("span", { class: "good-interval" }, interval(pair.rate))),
    h("p", { class: "small soft" }, `${pair.errors} of ${many(pair.rate.n)}: ${first_as_second} × ${first_name} as ${second_name}, ${second_as_first} × ${second_name} as ${first_name}. ${chance}`),
    pair.errors > 0 && h("button", { "data-opens-cell": true, onclick: () => store.set({ cell }) }, `Show ${shown}`));
}
