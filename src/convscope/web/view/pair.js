// Two networks side by side: the same image, both predictions, and the test images on which they disagree.

import { format_rate } from "#web/core/formatting.js";
import { count, percent } from "#web/core/scale.js";
import { pixels_at } from "#web/core/selected_image.js";
import { word } from "#web/core/words.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { mount as mount_pad } from "#web/view/drawing_pad.js";
import { mount as mount_gallery } from "#web/view/gallery.js";
import { language_button } from "#web/view/language.js";
import { mount as mount_prediction } from "#web/view/prediction.js";

/** @typedef {import("#web/core/session.js").Session} Session */
/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/state.js").Store} Store */
/** @typedef {{both: number, first_only: number, second_only: number, neither: number, n: number}} Paired */

const FIRST = 48;

/**
 * @param {HTMLElement} element
 * @param {Session[]} sessions two
 * @param {Store} store
 * @param {{paired: Paired|null, difference: string, disagreements: number}} facts
 */
export function mount(element, sessions, store, facts) {
  const status = h("p", { class: "self-test small", role: "status" }, word("pair.testing"));
  const verdict = h("p", { class: "pair-verdict", role: "status" });
  const [pad, gallery, ...predictions] = ["pad card", "gallery", "prediction card", "prediction card"].map((name) => h("div", { class: `network-${name}` }));
  const titles = sessions.map(({ bundle }) => bundle.title);
  const columns = sessions.map(({ bundle }, at) => h("section", { "aria-label": titles[at] }, h("h2", { class: "pair-title" }, titles[at]), h("p", { class: "small soft" }, facts_of(bundle)), predictions[at]));
  fill(element, h("header", { class: "head pair-head" }, h("div", {}, h("h1", {}, word("pair.and", { first: titles[0], second: titles[1] })), status)),
    h("main", {}, h("div", { class: "pair-layout" }, h("div", {}, pad, gallery), h("div", {}, verdict, h("div", { class: "pair-columns" }, columns))),
      h("section", { class: "card pair-list" }, h("h2", {}, word("pair.list")), comparison(titles, facts), disagreements(sessions, store))), language_button());
  const answers = sessions.map((session, at) => mount_prediction(predictions[at], session, store));
  const views = [mount_pad(pad, sessions[0], store), mount_gallery(gallery, sessions[0], store), ...answers.flatMap((answer) => [answer, answer.details])];
  compare();

  function compare() {
    const found = sessions.map(({ activations, bundle }) => activations && bundle.class_names[activations.logits.indexOf(Math.max(...activations.logits))]);
    verdict.textContent = found.includes(null) ? "" : found[0] === found[1] ? word("pair.agree", { name: found[0] ?? "" }) : word("pair.differ", { first: titles[0], one: found[0] ?? "", second: titles[1], other: found[1] ?? "" });
    verdict.dataset.agree = String(found[0] === found[1]);
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      views.forEach((view) => view.update(state, old));
      compare();
    },
    /** @param {boolean} passed */
    show_self_test(passed) {
      status.dataset.passed = String(passed);
      status.textContent = passed ? word("pair.passed") : word("pair.failed");
    },
  };
}

/** @param {Session["bundle"]} bundle */
function facts_of({ network, evaluation, cross_validation }) {
  const accuracy = (cross_validation ?? evaluation)?.accuracy;
  const facts = { network: network.name, count: count(network.parameters) };
  return accuracy ? word("pair.rate", { ...facts, rate: format_rate(/** @type {any} */ (accuracy)) }) : word("pair.facts", facts);
}

/** @param {string[]} titles @param {{paired: Paired|null, difference: string}} facts */
function comparison(titles, { paired, difference }) {
  if (!paired) return h("p", { class: "small soft" }, word("pair.none"));
  const { both, first_only, second_only, neither } = paired;
  return h("div", { class: "pair-facts" },
    h("table", {}, h("caption", { class: "visually-hidden" }, word("pair.caption")),
      h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, word("pair.correct", { name: titles[1] })), h("th", { scope: "col" }, word("pair.wrong")))),
      h("tbody", {},
        h("tr", {}, h("th", { scope: "row" }, word("pair.correct", { name: titles[0] })), h("td", {}, count(both)), h("td", {}, count(first_only))),
        h("tr", {}, h("th", { scope: "row" }, word("pair.wrong")), h("td", {}, count(second_only)), h("td", {}, count(neither))))),
    h("p", { class: "small soft" }, word("pair.difference", { difference })));
}

/** @param {Session[]} sessions @param {Store} store */
function disagreements([first, second], store) {
  const entries = first.bundle.pictures.entries;
  const found = [...entries.keys()].filter((at) => entries[at].predicted !== second.bundle.pictures.entries[at].predicted);
  if (!found.length) return h("p", {}, entries.length ? word("pair.both") : "");
  const list = h("ul", { class: "evaluation-tiles" });
  const more = h("button", { onclick: () => show(found.length) }, word("pair.all", { count: count(found.length) }));
  /** @param {number} limit */
  function show(limit) {
    fill(list, found.slice(0, limit).map((at) => h("li", {}, tile(at))));
    more.hidden = limit >= found.length;
  }
  /** @param {number} at */
  function tile(at) {
    const [, ...shape] = first.pixels.shape;
    const names = first.bundle.class_names;
    const pair = [entries[at], second.bundle.pictures.entries[at]];
    const title = word("pair.tile", {
      index: entries[at].index, label: names[entries[at].label],
      first: first.bundle.title, one: names[pair[0].predicted], p: percent(pair[0].probability),
      second: second.bundle.title, other: names[pair[1].predicted], q: percent(pair[1].probability),
    });
    const canvas = h("canvas", { role: "img", "aria-label": title });
    paint_bytes(canvas, shape, pixels_at(first.pixels, at));
    const open = () => {
      store.set({ picture: `p${at}` });
      scrollTo({ top: 0 });
    };
    return h("button", { class: "evaluation-tile", title, onclick: open }, canvas, h("span", { class: "evaluation-caption", "aria-hidden": "true" },
      h("span", { class: "evaluation-name" }, word("pair.label", { name: names[entries[at].label] })),
      pair.map((entry) => h("span", { class: "pair-answer" }, `${entry.predicted === entry.label ? "✓" : "✗"} ${names[entry.predicted]} `, h("span", { class: "number" }, percent(entry.probability))))));
  }
  show(FIRST);
  return h("div", {}, list, more);
}
