// The reliability diagram: accuracy against predicted probability.

import { calibration_gaps, nonempty_bins } from "#web/core/reliability.js";
import { format_interval, format_rate } from "#web/core/formatting.js";
import { count, percent, short } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h, s } from "#web/view/dom.js";
import { chart, frame } from "#web/view/chart.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/reliability.js").Bin} Bin */

/** @typedef {{name: string, title: string, ece: string}} Kind */

/** @type {Kind[]} */
const KINDS = [
  { name: "equal_width", title: "calibration.equal_width", ece: "ece_equal_width" },
  { name: "equal_mass", title: "calibration.equal_mass", ece: "ece_equal_mass" },
];

/**
 * @param {HTMLElement} element
 * @param {Session} session its bundle has an evaluation
 */
export function mount(element, { bundle }) {
  const calibration = bundle.evaluation?.calibration;
  let kind = KINDS[0];
  const buttons = KINDS.map((one) => h("button", { onclick: () => choose(one) }, word(one.title)));
  const figure = h("div", {});
  /** @type {{element: HTMLElement, destroy: () => void}|null} */
  let drawn = null;
  fill(element,
    h("h2", {}, word("calibration.title")),
    h("p", { class: "small soft" }, explanation(calibration, bundle.temperature)),
    h("div", { class: "evaluation-choice", role: "group", "aria-label": word("calibration.binning") }, buttons),
    figure);
  choose(kind);

  /** @param {Kind} one */
  function choose(one) {
    kind = one;
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(KINDS[at] === kind)));
    drawn?.destroy();
    const bins = nonempty_bins(calibration[kind.name]);
    drawn = kind.name === "equal_mass" ? draw_gaps(bins, calibration[kind.ece]) : draw(bins, calibration[kind.ece]);
    const distance = word("calibration.ece", { ece: percent(calibration[kind.ece]) });
    fill(figure, drawn.element, h("p", { class: "small soft" }, distance), as_table(bins));
  }

  return { update() {}, destroy: () => drawn?.destroy() };
}

/** @param {Record<string, any>} calibration @param {number} temperature */
function explanation(calibration, temperature) {
  const confidence = percent(calibration.mean_confidence);
  const change = temperature === 1 ? "" : ` ${word("calibration.temperature", { temperature: short(temperature) })}`;
  return word("calibration.help", { confidence }) + change;
}

/** @param {Bin[]} bins @param {number} ece */
function draw(bins, ece) {
  const text = (/** @type {number} */ value) => `${Number((100 * value).toPrecision(4))} %`;
  const description = word("calibration.diagram", { count: bins.length, ece: percent(ece) });
  return chart(description, (width) => {
    const height = Math.min(340, Math.max(260, width * 0.75));
    const axis = { low: 0, high: 1, text };
    const { x, y, parts } = frame(width, height, { ...axis, label: word("calibration.probability_axis") }, { ...axis, label: word("calibration.accuracy_axis") }, 24);
    const marks = bins.flatMap(({ mean_confidence, accuracy }) => [
      s("line", { class: "evaluation-whisker", x1: x(mean_confidence), x2: x(mean_confidence), y1: y(accuracy.low), y2: y(accuracy.high) }),
      s("circle", { class: "evaluation-dot", cx: x(mean_confidence), cy: y(accuracy.rate), r: 4 }),
    ]);
    const perfect = s("line", { class: "evaluation-perfect", x1: x(0), y1: y(0), x2: x(1), y2: y(1) });
    return { height, parts: [...parts, perfect, ...marks] };
  });
}

/**
 * Equal-mass bins crowd near a probability of 1: side by side, with the gap only, they can be distinguished.
 * @param {Bin[]} bins @param {number} ece
 */
function draw_gaps(bins, ece) {
  const points = (/** @type {number} */ value) => `${value > 0 ? "+" : ""}${Number((100 * value).toPrecision(3))}`.replace("-", "−");
  const all = calibration_gaps(bins);
  const most = 1.1 * Math.max(0.001, ...all.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));
  const up = { low: -most, high: most, label: word("calibration.gap_axis"), text: points };
  const across = { low: 0.5, high: bins.length + 0.5, label: word("calibration.bin_axis"), text: String };
  const description = word("calibration.gaps", { count: bins.length, ece: percent(ece) });
  return chart(description, (width) => {
    const { x, y, box, parts } = frame(width, 300, across, up, 24);
    const marks = all.flatMap(({ gap, low, high }, at) => [
      s("line", { class: "evaluation-whisker", x1: x(at + 1), x2: x(at + 1), y1: y(low), y2: y(high) }),
      s("circle", { class: "evaluation-dot", cx: x(at + 1), cy: y(gap), r: 4 }),
    ]);
    const sides = [[word("calibration.under"), box.top + 14], [word("calibration.over"), box.bottom - 8]].map(([text, at]) =>
      s("text", { x: box.right, y: at, "text-anchor": "end" }, text));
    return { height: 300, parts: [...parts, s("line", { class: "evaluation-perfect", x1: box.left, x2: box.right, y1: y(0), y2: y(0) }), ...marks, ...sides] };
  });
}

/** @param {Bin[]} bins */
function as_table(bins) {
  const head = ["calibration.probability", "scores.images", "calibration.mean", "calibration.accuracy"].map((title) => h("th", { scope: "col" }, word(title)));
  const lines = bins.map((bin) => h("tr", {},
    h("th", { scope: "row" }, word("calibration.range", { low: percent(bin.low), high: percent(bin.high) })),
    h("td", {}, count(bin.count)), h("td", {}, percent(bin.mean_confidence)),
    h("td", {}, format_rate(bin.accuracy), h("span", { class: "evaluation-interval" }, format_interval(bin.accuracy)))));
  return h("details", { class: "small" }, h("summary", {}, word("calibration.table")),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": word("calibration.table_label") },
      h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, lines))));
}
