// Find the sheet of paper, or the board, on a photo that also shows what it lies on. Python's `find_sheet` lists the steps.

import { histogram, moments, otsu } from "#web/core/background_subtraction.js";
import { connected_components } from "#web/core/connected_components.js";
import { convex_hull, fill_polygon, largest_quadrilateral, twice_area } from "#web/core/convex_hull.js";
import { dilated, eroded } from "#web/core/morphology.js";
import { invert } from "#web/core/picture.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */
/** @typedef {import("#web/core/convex_hull.js").Point} Point */

/**
 * `outline`: the corners of its convex hull; `area`: its part of the picture; `sure`: whether it can be neither a stroke of
 * the pen nor the part of a sheet that lies in the light.
 * @typedef {{outline: Point[], area: number, sure: boolean}} Sheet
 */

const MIN_SIDE = 32;
const MIN_STEP = 40;
const MIN_AREA = 0.05;
const MAX_AREA = 0.98;
const SURE_AREA = 0.15;
const MAX_SHADED = 45;
const MIN_FILLED = 0.7;
const MIN_QUADRILATERAL = 0.9;
const MIN_QUADRILATERAL_CUT = 0.82;
const MIN_SHARP = 0.8;
const SHARP_WITHIN = 4;

/**
 * Find a sheet that is lighter (or darker) than its surroundings.
 * @param {Picture} gray h×w×1, reduced
 * @param {boolean} light whether to look for a light sheet
 * @returns {Sheet|null}
 */
export function find_sheet(gray, light) {
  const { height: h, width: w } = gray;
  if (Math.min(h, w) < MIN_SIDE) return null;
  const shown = light ? gray : invert(gray);
  const counts = histogram(shown.data);
  const threshold = otsu(counts);
  const [dark, lit] = [moments(counts, 0, threshold), moments(counts, threshold + 1, 255)];
  if (dark.n === 0 || lit.n === 0) return null;
  const step = Math.floor(lit.sum / lit.n) - Math.floor(dark.sum / dark.n);
  if (step < MIN_STEP) return null;
  const mask = shown.data.map((level) => (level > threshold ? 1 : 0));
  const reach = 2 * Math.floor(Math.max(h, w) / 128) + 1;
  const { labels, count } = connected_components(eroded(dilated(mask, w, reach), w, reach), w);
  const areas = new Float64Array(count + 1);
  for (const label of labels) if (label) areas[label]++;
  const part = areas.indexOf(areas.reduce((a, b) => Math.max(a, b)));
  const outline = convex_hull(labels, part, w);
  const size = fill_polygon(outline, h, w).reduce((sum, one) => sum + one, 0);
  const n = mask.length;
  let filled = 0;
  for (let i = 0; i < n; i++) if (mask[i] && labels[i] === part) filled++;
  if (size < MIN_AREA * n || size > MAX_AREA * n || filled < MIN_FILLED * size) return null;
  const cut = outline.some(([x, y]) => x === 0 || x === w || y === 0 || y === h);
  if (largest_quadrilateral(outline) < (cut ? MIN_QUADRILATERAL_CUT : MIN_QUADRILATERAL) * twice_area(outline)) return null;
  if (!is_sharp(shown, outline, step)) return null;
  const sides = [0, 1].map((axis) => Math.max(...outline.map((at) => at[axis])) - Math.min(...outline.map((at) => at[axis])));
  const large = Math.min(...sides) * 3 >= Math.min(h, w) && size >= SURE_AREA * n;
  const both = [lit.sum * dark.n, dark.sum * lit.n];
  const [brighter, shaded] = light ? both : [255 * dark.n * lit.n - both[1], 255 * dark.n * lit.n - both[0]];
  return { outline, area: size / n, sure: large && shaded * 100 < MAX_SHADED * brighter };
}

/**
 * Whether the brightness steps by half of `step` along most of the outline that is inside the picture.
 * @param {Picture} shown
 * @param {Point[]} outline
 * @param {number} step
 * @returns {boolean}
 */
function is_sharp({ height: h, width: w, data }, outline, step) {
  let [sharp, n] = [0, 0];
  outline.forEach(([ax, ay], k) => {
    const [bx, by] = outline[(k + 1) % outline.length];
    const length = Math.max(Math.abs(bx - ax), Math.abs(by - ay));
    const [nx, ny] = [-(by - ay) / length, (bx - ax) / length];
    for (let i = 0; i < length; i++) {
      const [px, py] = [ax + ((bx - ax) * (i + 0.5)) / length, ay + ((by - ay) * (i + 0.5)) / length];
      if (Math.min(px, py) < 3 || px > w - 3 || py > h - 3) continue;
      n++;
      const [inside, outside] = [SHARP_WITHIN, -SHARP_WITHIN].map((side) => {
        const column = Math.min(Math.max(Math.floor(px + side * nx), 0), w - 1);
        const row = Math.min(Math.max(Math.floor(py + side * ny), 0), h - 1);
        return data[row * w + column];
      });
      if (2 * (inside - outside) >= step) sharp++;
    }
  });
  return n > 0 && sharp >= MIN_SHARP * n;
}
