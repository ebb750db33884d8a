// Group the parts of ink into digits, without frames, underlines and specks. Python's `ink/digits.py` gives the reasons.

/** @typedef {import("#web/core/connected_components.js").Component} Component */
/** @typedef {{top: number, bottom: number, left: number, right: number}} Box */

const MIN_MASS = 0.05;
const STACKED = 0.45;
const SAME_HEIGHT = 0.55;

/** @param {Box} box */
const height_of = (box) => box.bottom - box.top;
/** @param {Box} box */
const width_of = (box) => box.right - box.left;
/** The longer side. @param {Box} box */
export const size_of = (box) => Math.max(height_of(box), width_of(box));

/**
 * Remove frames round other ink, and underlines.
 * @param {Component[]} parts
 * @param {Int32Array} labels h×w
 * @param {number} width
 * @param {number} least the size of the smallest digit
 * @returns {{parts: Component[], marks: number}}
 */
export function without_marks(parts, labels, width, least) {
  const large = parts.filter((part) => size_of(part) >= least);
  const frames = new Set(
    large.filter((a) =>
      large.some((b) => a !== b && height_of(b) >= 0.3 * height_of(a) && height_of(b) >= least && encloses(labels, width, a, b)),
    ),
  );
  const rest = large.filter((part) => !frames.has(part));
  const removed = new Set([...frames, ...rest.filter((part) => is_underline(part, rest))]);
  return { parts: parts.filter((part) => !removed.has(part)), marks: removed.size };
}

/** Whether a has pixels on at least three sides of b's box, and none in it. @param {Int32Array} labels @param {number} width @param {Component} a @param {Component} b */
function encloses(labels, width, a, b) {
  if (!(a.top < b.top && a.bottom > b.bottom && a.left < b.left && a.right > b.right)) return false;
  /** @param {number} y @param {number} x */
  const hit = (y, x) => labels[y * width + x] === a.label;
  let inside = 0;
  for (let y = b.top; y < b.bottom; y++) for (let x = b.left; x < b.right; x++) inside += Number(hit(y, x));
  if (inside * 50 > height_of(b) * width_of(b)) return false;
  const sides = [0, 0, 0, 0];
  for (let y = b.top; y < b.bottom; y++) {
    sides[0] += Number(some(a.left, b.left, (x) => hit(y, x)));
    sides[1] += Number(some(b.right, a.right, (x) => hit(y, x)));
  }
  for (let x = b.left; x < b.right; x++) {
    sides[2] += Number(some(a.top, b.top, (y) => hit(y, x)));
    sides[3] += Number(some(b.bottom, a.bottom, (y) => hit(y, x)));
  }
  return sides.filter((n, k) => n * 10 >= 6 * (k < 2 ? height_of(b) : width_of(b))).length >= 3;
}

/** @param {number} from @param {number} to @param {(at: number) => boolean} test */
function some(from, to, test) {
  for (let at = from; at < to; at++) if (test(at)) return true;
  return false;
}

/** Whether a flat part lies below all the others, or above them and apart. @param {Component} part @param {Component[]} parts */
function is_underline(part, parts) {
  if (width_of(part) < 4 * height_of(part)) return false;
  const others = parts.filter((other) => other !== part && width_of(other) < 4 * height_of(other));
  if (!others.length) return false;
  const box = box_of(others);
  if (part.top >= box.bottom) return true;
  return box.top - part.bottom > 0.12 * height_of(box) && width_of(part) >= 0.9 * width_of(box);
}

/**
 * Group components into digits, in reading order; specks are removed.
 * @param {Component[]} all
 * @param {number} least the size of the smallest digit
 * @returns {Component[][]}
 */
export function grouped(all, least) {
  const most = Math.max(0, ...all.map((part) => part.mass));
  const groups = all.filter((part) => part.mass >= most * MIN_MASS).map((part) => [part]);
  while (merge_two(groups));
  const large = groups.filter((group) => size_of(box_of(group)) >= least);
  if (!large.length) return [];
  const highest = Math.max(...large.map((group) => height_of(box_of(group))));
  const heaviest = Math.max(...large.map(mass_of));
  return in_reading_order(
    large.filter((group) => height_of(box_of(group)) >= SAME_HEIGHT * highest && mass_of(group) >= 0.15 * heaviest),
  );
}

/** @param {Component[]} group */
const mass_of = (group) => group.reduce((sum, part) => sum + part.mass, 0);

/** @param {Component[][]} groups changed @returns {boolean} whether two were merged */
function merge_two(groups) {
  for (let i = 0; i < groups.length; i++) {
    for (let j = i + 1; j < groups.length; j++) {
      if (!belong(box_of(groups[i]), box_of(groups[j]))) continue;
      groups[i].push(...groups.splice(j, 1)[0]);
      return true;
    }
  }
  return false;
}

/** @param {Box[]} group @returns {Box} */
export function box_of(group) {
  return {
    top: Math.min(...group.map((part) => part.top)), bottom: Math.max(...group.map((part) => part.bottom)),
    left: Math.min(...group.map((part) => part.left)), right: Math.max(...group.map((part) => part.right)),
  };
}

/** Whether two boxes are parts of one digit. @param {Box} a @param {Box} b */
export function belong(a, b) {
  const rows = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  const columns = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.max(height_of(a), height_of(b));
  const width = Math.max(width_of(a), width_of(b));
  const lower = Math.min(height_of(a), height_of(b));
  const narrower = Math.min(width_of(a), width_of(b));
  if (rows > 0 && columns > 0) return columns * 4 >= narrower || lower <= STACKED * height;
  const gap = Math.max(-rows, -columns, 0);
  if (gap <= 0.06 * Math.max(height, width)) return true;
  return lower <= STACKED * height && gap <= 0.25 * height && (columns * 2 >= narrower || rows * 2 >= lower);
}

/** @param {Component[][]} groups @returns {Component[][]} */
function in_reading_order(groups) {
  let left = groups.map((group) => ({ group, box: box_of(group) }));
  left.sort((a, b) => a.box.top + a.box.bottom - b.box.top - b.box.bottom || a.box.left - b.box.left);
  const out = [];
  while (left.length) {
    const bottom = 2 * left[0].box.bottom;
    const row = left.filter(({ box }) => box.top + box.bottom <= bottom);
    left = left.filter(({ box }) => box.top + box.bottom > bottom);
    row.sort((a, b) => a.box.left - b.box.left || a.box.top - b.box.top);
    out.push(...row.map(({ group }) => group));
  }
  return out;
}
