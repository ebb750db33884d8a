// Which components of the ink are digits. The twin of Python's `ink/digits.py`.

import { connected_components, measure_components } from "#web/core/connected_components.js";
import { box_of, grouped, size_of, without_marks } from "#web/core/ink_groups.js";
import { eroded, rim, running_maximum, running_minimum } from "#web/core/morphology.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */
/** @typedef {import("#web/core/connected_components.js").Component} Component */

/**
 * `masks`: one for each digit, in reading order; `marks`: frames and underlines removed; `at_edge`: ink at the edge was used
 * for want of other ink; `ignored`: there is more at the edge.
 * @typedef {{masks: Uint8Array[], marks: number, at_edge: boolean, ignored: boolean}} Digits
 */

const MIN_SIZE = 0.06;
const MIN_IGNORED = 0.15;
const MAX_CONTACT = 0.3;
const MAX_AT_EDGE = 8;
const MAX_CROSSINGS = 5;

/**
 * @param {Uint8Array} mask h×w, 0 or 1
 * @param {Picture} rise h×w×1, its levels
 * @param {Uint8Array} region h×w, 0 or 1: the sheet
 * @param {number} contrast levels between ink and background
 * @param {boolean} on_sheet whether a sheet was found; ink at its edge is then never used
 * @param {boolean} lined whether ruled lines were removed, parts of which may remain at the edge
 * @returns {Digits}
 */
export function find_digits(mask, rise, region, contrast, on_sheet, lined) {
  const width = rise.width;
  const components = connected_components(mask, width);
  const sharp = sharp_parts(components, rise, contrast);
  const every = measure_components(components, width, rise.data, rim(region, width));
  if (!lined && every.filter((part) => part.contact > 0).length > MAX_AT_EDGE) return { masks: [], marks: 0, at_edge: false, ignored: false };
  const parts = every.filter(({ label }) => sharp[label]);
  const side = longer_side(region, width);
  const least = Math.max(2, side * MIN_SIZE);
  const heaviest = Math.max(0, ...parts.map((part) => part.mass));
  const inside = parts.filter((part) => part.contact === 0);
  const enough = inside.some((part) => size_of(part) >= least && (on_sheet || size_of(part) * 10 >= side || part.mass * 10 >= heaviest));
  const fallback = on_sheet ? [] : parts.filter((p) => p.contact <= 2 * MAX_CONTACT * (p.bottom - p.top + p.right - p.left));
  const judged = enough ? inside : fallback;
  const at_edge = judged.some((part) => part.contact > 0);
  const used = new Set(judged);
  const ignored = parts.some((part) => part.contact > 0 && size_of(part) >= side * MIN_IGNORED && !used.has(part));
  if (at_edge && ignored) return { masks: [], marks: 0, at_edge: false, ignored };
  const { parts: rest, marks } = without_marks(judged, components.labels, width, least);
  const groups = grouped(rest, least).filter((group) => !is_texture(components.labels, width, group));
  const masks = groups.map((group) => {
    const chosen = new Uint8Array(components.count + 1);
    for (const { label } of group) chosen[label] = 1;
    const one = new Uint8Array(mask.length);
    for (let i = 0; i < one.length; i++) one[i] = chosen[components.labels[i]];
    return one;
  });
  return { masks, marks, at_edge: at_edge && masks.length > 0, ignored };
}

/** The longer side of a region's bounding box. @param {Uint8Array} region @param {number} width */
function longer_side(region, width) {
  const box = { top: Infinity, bottom: 0, left: Infinity, right: 0 };
  for (let i = 0, y = 0; i < region.length; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!region[i]) continue;
      if (y < box.top) box.top = y;
      box.bottom = y + 1;
      if (x < box.left) box.left = x;
      if (x >= box.right) box.right = x + 1;
    }
  }
  return size_of(box);
}

/**
 * Which components have sharp outlines; soft ones are shadows.
 * @param {{labels: Int32Array, count: number}} components
 * @param {Picture} rise
 * @param {number} contrast
 * @returns {boolean[]} by label
 */
function sharp_parts({ labels, count }, rise, contrast) {
  const reach = 2 * Math.max(1, Math.floor(Math.max(rise.height, rise.width) / 64)) + 1;
  const [high, low] = [running_maximum(rise, reach).data, running_minimum(rise, reach).data];
  const mask = new Uint8Array(labels.length);
  for (let i = 0; i < mask.length; i++) mask[i] = labels[i] ? 1 : 0;
  const inner = eroded(mask, rise.width, 3);
  const [total, steep] = [new Int32Array(count + 1), new Int32Array(count + 1)];
  for (let i = 0; i < labels.length; i++) {
    if (!labels[i] || inner[i]) continue;
    total[labels[i]]++;
    if (2 * (high[i] - low[i]) >= contrast) steep[labels[i]]++;
  }
  return Array.from(total, (n, label) => n > 0 && steep[label] * 2 >= n);
}

/** Whether rows or columns cross so many strokes that the ink is a texture. @param {Int32Array} labels @param {number} width @param {Component[]} group */
function is_texture(labels, width, group) {
  const { top, bottom, left, right } = box_of(group);
  const names = new Set(group.map((part) => part.label));
  /** @param {number} y @param {number} x */
  const ink = (y, x) => y >= top && x >= left && names.has(labels[y * width + x]);
  let [across, down] = [0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      if (!ink(y, x)) continue;
      across += Number(!ink(y, x - 1));
      down += Number(!ink(y - 1, x));
    }
  }
  return across > MAX_CROSSINGS * (bottom - top) || down > MAX_CROSSINGS * (right - left);
}
