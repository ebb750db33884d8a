// Marks of points as SVG path data: one shape for each class, so that color is not the only difference.

/** @typedef {(x: number, y: number, r: number) => string} Mark */

/** @param {[number, number][]} corners multiples of the radius @returns {Mark} */
const polygon = (corners) => (x, y, r) => `M${corners.map(([dx, dy]) => `${fixed(x + dx * r)} ${fixed(y + dy * r)}`).join("L")}Z`;

/** @param {number} value */
const fixed = (value) => Number(value.toFixed(1));

/** @type {Mark} */
const circle = (x, y, r) => `M${fixed(x - r)} ${fixed(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;

const ARM = 0.38;
/** @type {[number, number][]} */
const PLUS = [[-ARM, -1.1], [ARM, -1.1], [ARM, -ARM], [1.1, -ARM], [1.1, ARM], [ARM, ARM], [ARM, 1.1], [-ARM, 1.1], [-ARM, ARM], [-1.1, ARM], [-1.1, -ARM], [-ARM, -ARM]];
/** @type {[number, number][]} */
const TURNED = PLUS.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);

/** @type {Mark[]} */
const MARKS = [
  circle,
  polygon([[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]),
  polygon([[0, -1.2], [1.1, 0.8], [-1.1, 0.8]]),
  polygon(PLUS),
  polygon([[0, -1.3], [1, 0], [0, 1.3], [-1, 0]]),
  polygon(TURNED),
  polygon([[0, 1.2], [1.1, -0.8], [-1.1, -0.8]]),
  polygon([[-1.2, -0.5], [1.2, -0.5], [1.2, 0.5], [-1.2, 0.5]]),
  polygon([[-0.5, -1.2], [0.5, -1.2], [0.5, 1.2], [-0.5, 1.2]]),
];

/** Colors defined in the style; nine shapes and ten colors repeat together only after 90 classes. */
export const COLORS = 10;

/** A ring around a mark. @type {Mark} */
export const ring = circle;

/**
 * The shape of a class.
 * @param {number} label
 * @returns {Mark}
 */
export function mark_of(label) {
  return MARKS[label % MARKS.length];
}
