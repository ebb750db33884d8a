// The map of the test images: their points, where another image lies, and which point is next.

import { numbers } from "#web/core/packed.js";

/** @typedef {import("#web/bundle.d.ts").Bundle} Bundle */
/** @typedef {import("#web/bundle.d.ts").TestMapJson} TestMapJson */
/** @typedef {import("#web/core/network.js").Activations} Activations */
/** @typedef {{x: number, y: number, index: number, label: number, predicted: number, entry: number}} Point x and y: 0..1, y downwards; entry: position in the bundle's pictures, -1 for an image that is not in the page */
/** @typedef {{points: Point[], place: (activations: Activations) => {x: number, y: number}|null}} TestMap */

const LEVELS = 65535;
const NEAREST = 5;

/**
 * @param {Bundle} bundle
 * @returns {TestMap|null} null for a page without images, or of an older version
 * @throws {Error} An array of the bundle does not fit its shape.
 */
export function read_test_map({ test_map, pictures }) {
  if (!test_map) return null;
  const [indexes, labels, predicted, raw] = [test_map.indexes, test_map.labels, test_map.predicted, test_map.points].map(numbers);
  const entries = new Map(pictures.entries.map(({ index }, at) => [index, at]));
  const points = Array.from(indexes, (index, at) => ({
    x: raw[2 * at] / LEVELS, y: 1 - raw[2 * at + 1] / LEVELS,
    index, label: labels[at], predicted: predicted[at], entry: entries.get(index) ?? -1,
  }));
  return { points, place: placer(test_map, points) };
}

/** @param {TestMapJson} map @param {Point[]} points @returns {TestMap["place"]} */
function placer(map, points) {
  const [count, size] = map.components.shape;
  const components = numbers(map.components);
  const codes = map.codes && numbers(map.codes);
  return (activations) => {
    const features = features_of(activations, map.layer);
    if (features?.length !== size) return null;
    const code = Array.from({ length: count }, (_, row) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += components[row * size + i] * features[i];
      return sum * map.scale[row] - map.offset[row];
    });
    if (codes) return mean_of_nearest(code, codes, points);
    return { x: (code[0] - map.low[0]) / map.span, y: 1 - (code[1] - map.low[1]) / map.span };
  };
}

/** @param {Activations} activations @param {string} layer */
function features_of({ image, layers }, layer) {
  return layer === "input" ? image.data : layers.find(({ name }) => name === layer)?.output.data;
}

/** @param {number[]} code @param {ArrayLike<number>} codes @param {Point[]} points */
function mean_of_nearest(code, codes, points) {
  const distances = points.map((_, at) => code.reduce((sum, value, i) => sum + (value - codes[at * code.length + i]) ** 2, 0));
  const nearest = points.map((_, at) => at).sort((a, b) => distances[a] - distances[b] || a - b).slice(0, NEAREST);
  const mean = (/** @type {"x"|"y"} */ axis) => nearest.reduce((sum, at) => sum + points[at][axis], 0) / nearest.length;
  return { x: mean("x"), y: mean("y") };
}

/**
 * The point at a place.
 * @param {Point[]} points
 * @param {number} x
 * @param {number} y
 * @param {number} reach the largest distance
 * @returns {number} -1 for none
 */
export function nearest_point(points, x, y, reach) {
  let [best, least] = [-1, reach];
  points.forEach((point, at) => {
    const distance = Math.hypot(point.x - x, point.y - y);
    if (distance <= least) [best, least] = [at, distance];
  });
  return best;
}

/**
 * The point that an arrow key leads to: the nearest one within 45° of the key's direction.
 * @param {Point[]} points
 * @param {number} from
 * @param {string} key as KeyboardEvent.key
 * @returns {number} `from` where there is none, -1 for another key
 */
export function next_point(points, from, key) {
  const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!direction) return -1;
  if (from < 0) return 0;
  let [best, least] = [from, Infinity];
  points.forEach(({ x, y }, at) => {
    const [right, down] = [x - points[from].x, y - points[from].y];
    const along = right * direction[0] + down * direction[1];
    const across = Math.abs(right * direction[1]) + Math.abs(down * direction[0]);
    if (at !== from && along > 0 && across <= along && along + across < least) [best, least] = [at, along + across];
  });
  return best;
}
