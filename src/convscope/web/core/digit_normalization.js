// MNIST's normalization: find the digit, fit it into 20×20, center it by mass in 28×28. The twin of digit_normalization.py.

import { find_ink } from "#web/core/find_ink.js";
import { NOTHING } from "#web/core/ink_report.js";
import { dilated } from "#web/core/morphology.js";
import { crop, invert, to_gray } from "#web/core/picture.js";
import { has_dark_foreground } from "#web/core/polarity.js";
import { nearest, resample } from "#web/core/resample.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/** @typedef {import("#web/core/ink_report.js").InkReport} InkReport */
/** @typedef {import("#web/core/find_ink.js").InkPolarity} InkPolarity */

/**
 * `pixels`: all ink together; `digits`: each digit alone, in reading order.
 * @typedef {{pixels: Picture, digits: Picture[], report: InkReport}} NormalizedDigits
 */

/**
 * Find the ink on a picture and normalize it as MNIST does, in the same proportions for any size. The Python twin lists
 * the steps.
 * @param {Picture} picture h×w×1 or h×w×3
 * @param {number} height at least 1
 * @param {number} width at least 1
 * @param {InkPolarity} polarity of the ink
 * @returns {NormalizedDigits}
 */
export function normalize_digit(picture, height, width, polarity) {
  if (picture.height === height && picture.width === width) {
    const gray = to_gray(picture);
    const dark = polarity === "dark" || (polarity === "auto" && has_dark_foreground(gray));
    const pixels = dark ? invert(gray) : gray;
    if (is_normalized(pixels, height, width)) {
      const digits = pixels.data.some((level) => level > 0) ? [pixels] : [];
      return { pixels, digits, report: { ...NOTHING, dark, digits: digits.length } };
    }
  }
  const { levels, digits, report } = find_ink(picture, polarity);
  const pixels = place(levels, height, width);
  if (digits.length < 2) return { pixels, digits: digits.map(() => pixels), report };
  const each = digits.map((one) => {
    const kept = dilated(one, levels.width, 5);
    return place({ ...levels, data: levels.data.map((level, i) => (kept[i] ? level : 0)) }, height, width);
  });
  return { pixels, digits: each, report };
}

/**
 * Fit ink into the box of MNIST's proportions and center it by mass; all 0 if there is none.
 * @param {Picture} levels h×w×1
 * @param {number} height
 * @param {number} width
 * @returns {Picture} height×width×1
 */
function place(levels, height, width) {
  const out = { height, width, channels: 1, data: new Uint8Array(height * width) };
  const box = bounding_box(levels);
  if (box === null) return out;
  const small = scale_to_box(crop(levels, box), height, width);
  const [row, column] = center_of_mass(small).map(nearest);
  const y = Math.min(Math.max(Math.floor(height / 2) - row, 0), height - small.height);
  const x = Math.min(Math.max(Math.floor(width / 2) - column, 0), width - small.width);
  for (let i = 0; i < small.height; i++) {
    out.data.set(small.data.subarray(i * small.width, (i + 1) * small.width), (y + i) * width + x);
  }
  return out;
}

/**
 * Whether a picture is normalized already: it has the target size; its bounding box has MNIST's length (20 of 28) in one
 * direction, plus or minus one pixel, and no more in the other; its center of mass is in the middle. A picture of the
 * target size that is all 0 is normalized.
 * @param {Picture} gray h×w×1
 * @param {number} height
 * @param {number} width
 * @returns {boolean}
 */
export function is_normalized(gray, height, width) {
  if (gray.height !== height || gray.width !== width) return false;
  const box = bounding_box(gray);
  if (box === null) return true;
  const over = Math.max(box.bottom - box.top - (height * 20) / 28, box.right - box.left - (width * 20) / 28);
  if (over > 0.5 || over < -1.5) return false;
  const [row, column] = center_of_mass(gray);
  return Math.abs(row - height / 2) <= 0.5 && Math.abs(column - width / 2) <= 0.5;
}

/**
 * The bounding box of the nonzero pixels; bottom and right are one past the end.
 * @param {Picture} gray h×w×1
 * @returns {{top: number, bottom: number, left: number, right: number} | null} null where all is 0
 */
export function bounding_box({ height, width, data }) {
  const box = { top: height, bottom: 0, left: width, right: 0 };
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      if (data[at] === 0) continue;
      box.top = Math.min(box.top, row);
      box.bottom = row + 1;
      box.left = Math.min(box.left, column);
      box.right = Math.max(box.right, column + 1);
    }
  }
  return box.bottom ? box : null;
}

/**
 * Row and column of the center of mass, in pixel positions counted from 0.
 * @param {Picture} gray h×w×1
 * @returns {[number, number]} the middle where all is 0
 */
export function center_of_mass({ height, width, data }) {
  let [total, rows, columns] = [0, 0, 0];
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      total += data[at];
      rows += data[at] * row;
      columns += data[at] * column;
    }
  }
  // A faint dot can vanish when it is reduced to a tiny size.
  return total === 0 ? [(height - 1) / 2, (width - 1) / 2] : [rows / total, columns / total];
}

/**
 * Resample so that the strokes just fit into the box, and make their lightest level 255.
 * @param {Picture} found h×w×1, no empty rows or columns around
 * @param {number} height of the frame
 * @param {number} width of the frame
 * @returns {Picture} at most 20/28 of the frame's sides
 */
function scale_to_box(found, height, width) {
  const [box_height, box_width] = [height, width].map((side) => nearest((side * 20) / 28));
  const scale = Math.min(box_height / found.height, box_width / found.width);
  const [rows, columns] = [found.height, found.width].map((side) => Math.max(1, nearest(side * scale)));
  const small = resample(found, Math.min(rows, box_height), Math.min(columns, box_width));
  const lightest = small.data.reduce((a, b) => Math.max(a, b));
  const twice = 2 * Math.max(1, lightest);
  return { ...small, data: small.data.map((level) => Math.floor((level * 510 + lightest) / twice)) };
}
