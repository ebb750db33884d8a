// Convex polygons with integer corners: the hull of a mask, its area, its pixels.

/** @typedef {[number, number]} Point column and row of a corner of a pixel */

/**
 * The corners of the convex hull of the pixels with a label, clockwise on the screen.
 * @param {Int32Array} labels h×w
 * @param {number} label
 * @param {number} width
 * @returns {Point[]}
 */
export function convex_hull(labels, label, width) {
  /** @type {Map<number, Point>} */
  const points = new Map();
  const stride = width + 1;
  for (let row = 0; row * width < labels.length; row++) {
    const line = labels.subarray(row * width, (row + 1) * width);
    const left = line.indexOf(label);
    if (left < 0) continue;
    for (const x of [left, line.lastIndexOf(label) + 1]) {
      for (const y of [row, row + 1]) points.set(y * stride + x, [x, y]);
    }
  }
  const sorted = [...points.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const lower = chain(sorted);
  const upper = chain(sorted.reverse());
  return [...lower.slice(0, -1), ...upper.slice(0, -1)];
}

/** @param {Point[]} points */
function chain(points) {
  /** @type {Point[]} */
  const out = [];
  for (const point of points) {
    while (out.length > 1 && turn(out[out.length - 2], out[out.length - 1], point) <= 0) out.pop();
    out.push(point);
  }
  return out;
}

/** Twice the signed area of a triangle. @param {Point} a @param {Point} b @param {Point} c */
function turn(a, b, c) {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/**
 * Twice the area of a convex polygon.
 * @param {Point[]} outline
 */
export function twice_area(outline) {
  let sum = 0;
  for (let k = 2; k < outline.length; k++) sum += turn(outline[0], outline[k - 1], outline[k]);
  return sum;
}

/**
 * Twice the area of the largest quadrilateral whose corners are corners of a convex polygon.
 * @param {Point[]} outline
 */
export function largest_quadrilateral(outline) {
  let best = 0;
  for (const a of outline) {
    for (const b of outline) {
      let [most, least] = [0, 0];
      for (const c of outline) {
        const area = turn(a, b, c);
        if (area > most) most = area;
        if (area < least) least = area;
      }
      best = Math.max(best, most - least);
    }
  }
  return best;
}

/**
 * The pixels whose centers are inside a convex polygon or on its outline.
 * @param {Point[]} outline
 * @param {number} height
 * @param {number} width
 * @returns {Uint8Array} h×w, 0 or 1
 */
export function fill_polygon(outline, height, width) {
  const inside = new Uint8Array(height * width).fill(1);
  outline.forEach(([ax, ay], k) => {
    const [bx, by] = outline[(k + 1) % outline.length];
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if ((bx - ax) * (2 * y + 1 - 2 * ay) - (by - ay) * (2 * x + 1 - 2 * ax) < 0) inside[i] = 0;
      }
    }
  });
  return inside;
}
