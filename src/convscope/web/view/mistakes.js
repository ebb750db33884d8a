// All mistakes, most confident first.

import { mistakes, sum } from "#web/core/evaluation.js";
import { count } from "#web/core/scale.js";
import { fill, h } from "#web/view/dom.js";
import { tiles } from "#web/view/tile.js";

/** @typedef {import("#web/core/evaluation.js").Lens} Lens */
/** @typedef {import("#web/core/state.js").Store} Store */

const FIRST = 24;

/**
 * @param {HTMLElement} element
 * @param {Lens} lens its bundle has an evaluation
 * @param {Store} store
 */
export function mount(element, lens, store) {
  const found = mistakes(lens.bundle.pictures.entries);
  const list = h("div", {});
  show(FIRST);
  fill(element, h("h2", {}, "Every mistake"), h("p", { class: "small soft" }, note(lens, found.length)), list);

  /** @param {number} limit */
  function show(limit) {
    const more = found.length > limit && h("button", { onclick: show_all }, `Show all ${count(found.length)}`);
    fill(list, tiles(lens, store, found.slice(0, limit)), more);
  }

  function show_all() {
    show(found.length);
    // The button is gone; the first image that it brought takes the focus.
    /** @type {HTMLElement|undefined} */ (list.querySelectorAll("button")[FIRST])?.focus();
  }

  return { update() {}, destroy() {} };
}

/** @param {Lens} lens @param {number} here */
function note({ bundle }, here) {
  const { entries } = bundle.pictures;
  const errors = bundle.evaluation?.n - sum(bundle.evaluation?.confusion.map((/** @type {number[]} */ row, /** @type {number} */ at) => row[at]));
  if (!entries.length) return "This page was written without images: there were no data to take them from.";
  if (!errors) return "It made none.";
  const known = entries.filter((entry) => entry.label !== entry.predicted && entry.known_wrong).length;
  const order = here < errors ? `Most confident first: ${count(here)} of ${count(errors)} are on this page.` : "Most confident first.";
  return order + (known ? ` In ${known} of them the label, not the network, is known to be wrong.` : "");
}
