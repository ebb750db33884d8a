// Lines of a round pen as gray levels: anti-aliased, without a canvas, so that Node and a worker draw the same pixels.

/** @typedef {number[]} Line x0, y0, x1, y1, … in pixels; the center of the first pixel is at (0.5, 0.5); one point is a dot */

/**
 * How much of each pixel is covered: the distance to the nearest line, in a ramp of one pixel around the pen's edge.
 * @param {Line[]} lines
 * @param {number} height
 * @param {number} width
 * @param {number} pen its diameter in pixels, above 0
 * @returns {Float32Array} height×width, 0..1
 */
export function coverage(lines, height, width, pen) {
  const covered = new Float32Array(height * width);
  for (const line of lines) {
    if (line.length === 2) stamp(covered, height, width, pen, line[0], line[1], line[0], line[1]);
    for (let i = 3; i < line.length; i += 2) stamp(covered, height, width, pen, line[i - 3], line[i - 2], line[i - 1], line[i]);
  }
  return covered;
}

/**
 * One segment; where lines cross, the darker one counts.
 * @param {Float32Array} covered @param {number} height @param {number} width @param {number} pen
 * @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1
 */
function stamp(covered, height, width, pen, x0, y0, x1, y1) {
  const reach = pen / 2 + 0.5;
  const most = Math.min(1, pen);
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squared = dx * dx + dy * dy;
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(y0, y1) + reach));
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
  const right = Math.min(width - 1, Math.ceil(Math.max(x0, x1) + reach));
  for (let row = top; row <= bottom; row++) {
    const py = row + 0.5 - y0;
    for (let column = left, at = row * width + left; column <= right; column++, at++) {
      const px = column + 0.5 - x0;
      const along = squared > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / squared)) : 0;
      const [ax, ay] = [px - along * dx, py - along * dy];
      const level = reach - Math.sqrt(ax * ax + ay * ay);
      if (level > covered[at]) covered[at] = level < most ? level : most;
    }
  }
}
