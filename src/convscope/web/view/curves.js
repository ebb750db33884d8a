// Training curves: losses and validation accuracy over the epochs, each line labeled at its end.

import { curves, history_summary, span, loss_comparison_note } from "#web/core/history.js";
import { is_earlier, moments_of } from "#web/core/moments.js";
import { spread_labels } from "#web/core/axis.js";
import { percent } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h, s } from "#web/view/dom.js";
import { chart, frame } from "#web/view/chart.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/history.js").Curve} Curve */
/** @typedef {import("#web/core/state.js").State} State */

const GAP = 17;

/**
 * @param {HTMLElement} element
 * @param {Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, { bundle }, store) {
  /** The epoch of the moment that the page shows; null for the trained network. */
  const epoch = () => (is_earlier(bundle, store.get().moment) ? moments_of(bundle)[store.get().moment].epoch : null);
  const early = bundle.training.stopped_early;
  const stopped = early && early.best_epoch < early.epoch ? early : null;
  const { loss, accuracy } = curves(bundle.history);
  const charts = [loss.length > 0 && panel(loss, "curves.loss", plain, (value) => value.toPrecision(3), epoch, stopped), accuracy.length > 0 && accuracy[0].points.length > 1 && panel(accuracy, "curves.accuracy", percentage, percent, epoch, stopped)];
  const drawn = charts.filter((one) => one !== false);
  fill(element,
    h("h2", {}, word("curves.title")),
    h("p", { class: "small soft" }, history_summary(bundle.history, stopped)),
    h("div", { class: "evaluation-panels" }, drawn.map((one) => one.element)),
    h("p", { class: "small soft" }, loss.length > 1 && loss_comparison_note(bundle.training.options ?? {})));
  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.moment !== old.moment) drawn.forEach((one) => one.redraw());
    },
    destroy: () => drawn.forEach((one) => one.destroy()),
  };
}

const plain = (/** @type {number} */ value) => String(value);
const percentage = (/** @type {number} */ value) => `${Number((100 * value).toPrecision(6))} %`;
const NARROW = 420;

/** @param {Curve[]} lines @param {string} title key of the text @param {(value: number) => string} text @param {(value: number) => string} format_value of a measured value @param {() => number|null} epoch where a line is drawn @param {import("#web/core/history.js").StoppedEarly} stopped */
function panel(lines, title, text, format_value, epoch, stopped) {
  const label = word(title);
  const across = { low: 0, high: Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x))), label: word("curves.epoch"), text: plain };
  const up = { ...span(lines, title === "curves.loss"), label, text };
  const ranges = lines.map(({ name, points }) => word("curves.range", { name, first: format_value(points[0][1]), last: format_value(points[points.length - 1][1]) }));
  return chart(word("curves.chart", { label, lines: ranges.join("; ") }), (width) => {
    const beside = width >= NARROW;
    const { x, y, box, parts } = frame(width, 250, across, up, beside ? 150 : 12);
    const ends = lines.map(({ points }) => points[points.length - 1]);
    const heights = spread_labels(ends.map(([, value]) => y(value) + (beside ? 4 : -8)), GAP, box.top, box.bottom);
    const drawn = lines.flatMap(({ name, points }, at) => {
      const where = points.map(([epoch, value]) => [x(epoch), y(value)]);
      const style = `evaluation-line evaluation-line-${at}`;
      return [
        s("polyline", { class: style, points: where.map((point) => point.join(",")).join(" ") }),
        ...(where.length <= 40 ? where.map(([cx, cy]) => s("circle", { class: style, cx, cy, r: 3 })) : []),
        s("text", { class: style, x: x(ends[at][0]) + (beside ? 8 : 0), y: heights[at], "text-anchor": beside ? "start" : "end" }, `${name} ${format_value(ends[at][1])}`),
      ];
    });
    const moment = epoch();
    const line = moment === null ? [] : [s("line", { class: "curve-moment", x1: x(moment), x2: x(moment), y1: box.top, y2: box.bottom })];
    const kept = stopped ? kept_line(stopped, x(stopped.best_epoch), box) : [];
    return { height: 250, parts: [...parts, ...kept, ...line, ...drawn] };
  });
}

/** A line at the epoch of the weights, named on the side that has room. @param {{epoch: number, best_epoch: number}} stopped @param {number} x @param {import("#web/view/chart.js").Box} box */
function kept_line({ epoch, best_epoch }, x, { top, bottom }) {
  const late = best_epoch > epoch / 2;
  return [
    s("line", { class: "curve-kept", x1: x, x2: x, y1: top, y2: bottom }),
    s("text", { class: "curve-kept", x: x + (late ? -6 : 6), y: bottom - 6, "text-anchor": late ? "end" : "start" }, word("curves.kept")),
  ];
}
