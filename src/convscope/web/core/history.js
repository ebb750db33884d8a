// The training history: curves, and a summary.

import { percent } from "#web/core/scale.js";
import { counted, word } from "#web/core/words.js";

/** @typedef {{name: string, points: [number, number][]}} Curve epochs and values, in order */
/** @typedef {Record<string, any>[]} History */
/** @typedef {{epoch: number, best_epoch: number}|null} StoppedEarly */

/**
 * @param {History} history rows with `epoch` and any of the figures, each a number or null
 * @returns {{loss: Curve[], accuracy: Curve[]}} only lines that have a point
 */
export function curves(history) {
  const line = (/** @type {string} */ name, /** @type {string} */ key) => ({ name, points: points(history, key) });
  const some = (/** @type {Curve[]} */ lines) => lines.filter(({ points }) => points.length > 0);
  return {
    loss: some([line(word("curves.training"), "loss"), line(word("curves.validation"), "validation_loss")]),
    accuracy: some([line(word("curves.validation"), "validation_accuracy")]),
  };
}

/**
 * The range of values that shows all lines.
 * @param {Curve[]} lines with a point each
 * @param {boolean} from_zero
 * @returns {{low: number, high: number}} low below high
 */
export function span(lines, from_zero) {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const margin = (most - least || Math.abs(most) || 1) * 0.08;
  return from_zero ? { low: Math.min(0, least), high: most + margin } : { low: least - margin, high: Math.min(1, most + margin) };
}

/**
 * @param {History} history
 * @param {StoppedEarly} [stopped] after how many epochs training stopped, and which weights were kept
 * @returns {string}
 */
export function history_summary(history, stopped) {
  const { accuracy } = curves(history);
  if (!history.length) return word("curves.no_history");
  if (!accuracy.length) return word("curves.no_validation");
  const { points } = accuracy[0];
  const best = stopped && stopped.best_epoch < stopped.epoch && points.find(([epoch]) => epoch === stopped.best_epoch);
  if (stopped && best) {
    const [best_epoch, epoch] = [stopped.best_epoch, stopped.epoch].map((value) => Number(value.toFixed(2)));
    return word("curves.stopped", { best: best_epoch, last: epoch, rate: percent(best[1]) });
  }
  const [last, value] = points[points.length - 1];
  const epochs = counted("n.epochs", last, { count: Number(last.toFixed(2)) });
  return word("curves.summary", { epochs, rate: percent(value) });
}

/**
 * Why training and validation loss are not directly comparable.
 * @param {Record<string, any>} options of the training
 * @returns {string} "" where they are
 */
export function loss_comparison_note({ label_smoothing, shift, rotate, zoom, shear }) {
  const smoothed = label_smoothing > 0 ? word("curves.smoothing", { amount: label_smoothing }) : "";
  const changed = [shift, rotate, zoom, shear].some((amount) => amount > 0) ? word("curves.augmentation") : "";
  const extra = smoothed && changed ? word("and", { first: smoothed, second: changed }) : smoothed || changed;
  return extra && word("curves.note", { extra });
}

/** @param {History} history @param {string} key @returns {[number, number][]} */
function points(history, key) {
  return history.flatMap((row) => (Number.isFinite(row.epoch) && Number.isFinite(row[key]) ? [[row.epoch, row[key]]] : []));
}
