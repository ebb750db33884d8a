// All mistakes, sorted by confidence.

import { mistakes, sum } from "#web/core/evaluation.js";
import { count } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { tiles } from "#web/view/image_tile.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/state.js").Store} Store */

const FIRST = 24;

/**
 * @param {HTMLElement} element
 * @param {Session} session its bundle has an evaluation
 * @param {Store} store
 */
export function mount(element, session, store) {
  const found = mistakes(session.bundle.pictures.entries);
  const list = h("div", {});
  show(FIRST);
  fill(element, h("h2", {}, word("mistakes.title")), h("p", { class: "small soft" }, note(session, found.length)), list);

  /** @param {number} limit */
  function show(limit) {
    const more = found.length > limit && h("button", { onclick: show_all }, word("mistakes.all", { count: count(found.length) }));
    fill(list, tiles(session, store, found.slice(0, limit)), more);
  }

  function show_all() {
    show(found.length);
    // The button is gone: move the focus to the first new image.
    /** @type {HTMLElement|undefined} */ (list.querySelectorAll("button")[FIRST])?.focus();
  }

  return { update() {}, destroy() {} };
}

/** @param {Session} session @param {number} here */
function note({ bundle }, here) {
  const { entries } = bundle.pictures;
  const errors = bundle.evaluation?.n - sum(bundle.evaluation?.confusion.map((/** @type {number[]} */ row, /** @type {number} */ at) => row[at]));
  if (!entries.length) return word("pictures.none");
  if (!errors) return word("mistakes.none");
  const known = entries.filter((entry) => entry.label !== entry.predicted && entry.known_wrong).length;
  const order = here < errors ? word("mistakes.some", { count: count(here), all: count(errors) }) : word("cell.sorted");
  return order + (known ? ` ${word("mistakes.known", { count: known })}` : "");
}
