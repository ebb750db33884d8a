// The confusion matrix; every cell opens its images.

import { most_confused, next_cell, read_cell, sum, worst_rate } from "#web/core/evaluation.js";
import { percent } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { cell_images, cell_title } from "#web/view/cell_images.js";

/** @typedef {import("#web/core/evaluation.js").Cell} Cell */
/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/state.js").Store} Store */

const LIMIT = 40;

/**
 * @param {HTMLElement} element
 * @param {Session} session its bundle has an evaluation
 * @param {Store} store
 */
export function mount(element, session, store) {
  const { class_names, evaluation } = session.bundle;
  /** @type {number[][]} */
  const confusion = evaluation?.confusion;
  const status = h("p", { class: "visually-hidden", role: "status" });
  const worst = worst_rate(confusion);
  const shown = most_confused(confusion, LIMIT);
  const cells = shown.flatMap((truth) => shown.filter((p) => confusion[truth][p]).map((predicted) => ({ truth, predicted })));
  const buttons = new Map(cells.map((cell) => [key_of(cell), make_button(session, cell, worst, open)]));
  const table = make_table(class_names, shown, (cell) => buttons.get(key_of(cell)) ?? h("span", { class: "evaluation-zero" }, "·"));
  table.addEventListener("keydown", walk);
  const panel = h("div", { id: "cell-images", class: "cell-images", tabindex: -1, role: "region", "aria-label": word("confusion.panel") });
  fill(element,
    h("h2", {}, word("confusion.title")),
    h("p", { class: "small soft" }, word("confusion.help")),
    shown.length < class_names.length && h("p", { class: "small" }, word("confusion.most", { count: shown.length, all: class_names.length })),
    h("div", { class: "scroll evaluation-matrix-scroll", tabindex: 0, role: "region", "aria-label": word("confusion.title") }, table),
    worst > 0 && h("p", { class: "evaluation-legend small soft" }, `${word("confusion.color")} `, h("span", { class: "evaluation-ramp", "aria-hidden": "true" }), ` ${word("confusion.up_to", { percent: percent(worst) })}`),
    status, panel,
  );
  /** @type {HTMLElement|undefined} the one cell that the tab key stops at */
  let stop = buttons.values().next().value;
  mark(store.get());

  /** @param {Cell} cell */
  function open(cell) {
    const key = key_of(cell);
    store.set({ cell: store.get().cell === key ? "" : key });
  }

  /** @param {State} state */
  function mark(state) {
    const cell = read_cell(state.cell, class_names.length);
    for (const [key, button] of buttons) button.setAttribute("aria-pressed", String(key === state.cell));
    rove(buttons.get(state.cell) ?? stop);
    fill(panel, cell && cell_images(session, store, cell));
    panel.hidden = !cell;
    status.textContent = cell ? cell_title(session.bundle, cell) : "";
  }

  /** @param {HTMLElement|undefined} next */
  function rove(next) {
    stop = next;
    for (const button of buttons.values()) button.tabIndex = button === stop ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    const at = cells.find((cell) => buttons.get(key_of(cell)) === event.target);
    const next = at && next_cell(cells, at, event.key);
    if (!next) return;
    event.preventDefault();
    const button = buttons.get(key_of(next));
    rove(button);
    button?.focus();
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.cell === old.cell) return;
      const inside = panel.contains(document.activeElement);
      mark(state);
      if (inside && panel.hidden) buttons.get(old.cell)?.focus();
      // Opened by a button elsewhere in this tab: move the focus there.
      if (!panel.hidden && document.activeElement?.hasAttribute("data-opens-cell")) panel.focus();
    },
    destroy() {},
  };
}

/** @param {Cell} cell */
const key_of = ({ truth, predicted }) => `${truth}-${predicted}`;

/** @param {Session} session @param {Cell} cell @param {number} worst @param {(cell: Cell) => void} open */
function make_button({ bundle }, cell, worst, open) {
  const row = bundle.evaluation?.confusion[cell.truth];
  const count = row[cell.predicted];
  const part = count / sum(row);
  const right = cell.truth === cell.predicted;
  const [truth, predicted] = [bundle.class_names[cell.truth], bundle.class_names[cell.predicted]];
  const text = word(right ? "cell.right" : "cell.wrong", { name: truth, other: predicted, count, all: sum(row), percent: percent(part) });
  const depth = right ? 0 : part / worst;
  return h("button", {
    class: right ? "evaluation-cell evaluation-right" : "evaluation-cell evaluation-wrong", "aria-label": text, title: text, tabindex: -1,
    "aria-controls": "cell-images", style: right ? null : `--depth: ${Math.round(10 + 40 * depth)}%`, onclick: () => open(cell),
  }, count);
}

/** @param {string[]} names @param {number[]} shown @param {(cell: Cell) => Node} content */
function make_table(names, shown, content) {
  const long = shown.some((at) => names[at].length > (shown.length > 12 ? 2 : 3));
  const heads = shown.map((at) => h("th", { scope: "col", title: names[at] }, h("span", { class: long ? "evaluation-upright" : null }, names[at])));
  const rows = shown.map((truth) =>
    h("tr", {}, h("th", { scope: "row", title: names[truth] }, h("span", { class: "evaluation-row-name" }, names[truth])),
      shown.map((predicted) => h("td", {}, content({ truth, predicted })))));
  return h("table", { class: long ? "evaluation-matrix evaluation-long" : "evaluation-matrix", style: `--classes: ${shown.length}` },
    h("caption", { class: "visually-hidden" }, word("confusion.caption")),
    h("thead", {}, h("tr", {}, h("th", { class: "evaluation-corner", scope: "col" }, h("span", {}, word("confusion.predicted")), " ", h("span", {}, word("confusion.true"))), heads)),
    h("tbody", {}, rows));
}
