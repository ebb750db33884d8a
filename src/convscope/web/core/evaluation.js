// The evaluation tab: the images of a cell of the confusion matrix, which classes are shown, and in what order.

/** @typedef {import("#web/bundle.d.ts").Bundle} Bundle */
/** @typedef {import("#web/bundle.d.ts").PictureJson} Picture */
/** @typedef {import("#web/core/session.js").Session} Session */
/** @typedef {{successes: number, n: number, rate: number, low: number, high: number}} Proportion */
/** @typedef {{name: string, support: number, predicted: number, correct: number, precision: Proportion|null, recall: Proportion|null, f1: number|null}} Score */
/** @typedef {"name"|"support"|"recall"|"precision"|"f1"} ScoreColumn */
/** @typedef {{truth: number, predicted: number}} Cell */

/**
 * Read State.cell.
 * @param {string} text "4-9": true class, then predicted class
 * @param {number} num_classes
 * @returns {Cell|null} null for a cell that this network does not have
 */
export function read_cell(text, num_classes) {
  const found = /^(\d+)-(\d+)$/.exec(text);
  if (!found) return null;
  const cell = { truth: Number(found[1]), predicted: Number(found[2]) };
  return cell.truth < num_classes && cell.predicted < num_classes ? cell : null;
}

/**
 * The images of a cell. Mistakes are sorted by confidence; correct ones are those of the gallery, which was not chosen by
 * the predictions.
 * @param {Picture[]} entries
 * @param {Cell} cell
 * @returns {number[]} positions in entries
 */
export function images_of_cell(entries, { truth, predicted }) {
  const inside = positions(entries, (entry) => entry.label === truth && entry.predicted === predicted);
  return truth === predicted ? inside.filter((at) => entries[at].gallery) : by_confidence(entries, inside);
}

/**
 * All mistakes, most confident first.
 * @param {Picture[]} entries
 * @returns {number[]} positions in entries
 */
export function mistakes(entries) {
  return by_confidence(entries, positions(entries, (entry) => entry.label !== entry.predicted));
}

/** @param {Picture[]} entries @param {(entry: Picture) => boolean} test */
const positions = (entries, test) => entries.flatMap((entry, at) => (test(entry) ? [at] : []));

/** @param {Picture[]} entries @param {number[]} inside */
const by_confidence = (entries, inside) => inside.sort((a, b) => entries[b].probability - entries[a].probability || a - b);

/**
 * The classes with the most mistakes, as true or as predicted class.
 * @param {number[][]} confusion counts, row the true class, column the predicted one
 * @param {number} limit
 * @returns {number[]} at most `limit` classes, in label order
 */
export function most_confused(confusion, limit) {
  const errors = confusion.map(() => 0);
  each_error(confusion, (truth, predicted, count) => {
    errors[truth] += count;
    errors[predicted] += count;
  });
  const ranked = errors.map((_, index) => index).sort((a, b) => errors[b] - errors[a] || a - b);
  return ranked.slice(0, limit).sort((a, b) => a - b);
}

/**
 * The largest fraction of a true class that is predicted as one other class: the dark end of the shading.
 * @param {number[][]} confusion
 * @returns {number} 0..1; 0 without a mistake
 */
export function worst_rate(confusion) {
  const support = confusion.map(sum);
  let worst = 0;
  each_error(confusion, (truth, _, count) => (worst = Math.max(worst, count / support[truth])));
  return worst;
}

/**
 * Unordered pairs of classes of which at least one has an image: the number of ranks.
 * @param {number[][]} confusion
 * @returns {number}
 */
export function count_pairs(confusion) {
  const empty = confusion.filter((row) => sum(row) === 0).length;
  const pairs = (/** @type {number} */ n) => (n * (n - 1)) / 2;
  return pairs(confusion.length) - pairs(empty);
}

/** @param {number[][]} confusion @param {(truth: number, predicted: number, count: number) => void} visit */
function each_error(confusion, visit) {
  confusion.forEach((row, truth) => row.forEach((count, predicted) => {
    if (count && truth !== predicted) visit(truth, predicted, count);
  }));
}

/** @param {number[]} row @returns {number} */
export const sum = (row) => row.reduce((total, count) => total + count, 0);

/**
 * The nonempty cell that an arrow key leads to; at the end of a row or column it continues in the next.
 * @param {Cell[]} cells positions in the table, in any order
 * @param {Cell} from one of them
 * @param {string} key as KeyboardEvent.key
 * @returns {Cell|null} null for other keys, and past the first or the last cell
 */
export function next_cell(cells, from, key) {
  if (key === "Home" || key === "End") {
    const row = cells.filter((cell) => cell.truth === from.truth).sort((a, b) => a.predicted - b.predicted);
    return row.at(key === "Home" ? 0 : -1) ?? null;
  }
  const across = key === "ArrowLeft" || key === "ArrowRight";
  if (!across && key !== "ArrowUp" && key !== "ArrowDown") return null;
  const order = (/** @type {Cell} */ a, /** @type {Cell} */ b) =>
    across ? a.truth - b.truth || a.predicted - b.predicted : a.predicted - b.predicted || a.truth - b.truth;
  const sorted = [...cells].sort(order);
  const step = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  return sorted[sorted.findIndex((cell) => order(cell, from) === 0) + step] ?? null;
}

/**
 * Sort classes; undefined scores come last either way, ties stay in label order.
 * @param {Score[]} scores
 * @param {ScoreColumn} column
 * @param {boolean} descending
 * @returns {number[]} classes
 */
export function sort_scores(scores, column, descending) {
  const value = (/** @type {number} */ at) => {
    if (column === "name") return at;
    const found = scores[at][column];
    return found !== null && typeof found === "object" ? found.rate : found;
  };
  return scores.map((_, at) => at).sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return Number(x === null) - Number(y === null) || a - b;
    return (descending ? y - x : x - y) || a - b;
  });
}
