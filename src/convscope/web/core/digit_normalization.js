// MNIST's normalization: find the digit, fit it into 20×20, center it by mass in 28×28. The twin of digit_normalization.py.

import { subtract_background } from "#web/core/background_subtraction.js";
import { nearest, resample } from "#web/core/resample.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/** Larger pictures are reduced to this first. */
export const WORKING_SIDE = 256;

/**
 * Normalize light strokes on a dark background as MNIST does, in the same proportions for any size. The Python twin lists
 * the steps.
 * @param {Picture} gray h×w×1, light strokes on dark
 * @param {number} height at least 1
 * @param {number} width at least 1
 * @returns {Picture} height×width×1; the picture itself where it is normalized already
 */
export function normalize_digit(gray, height, width) {
  if (is_normalized(gray, height, width)) return gray;
  const lifted = subtract_background(reduce_to(gray, WORKING_SIDE));
  const out = { height, width, channels: 1, data: new Uint8Array(height * width) };
  const box = bounding_box(lifted);
  if (box === null) return out;
  const small = scale_to_box(cut(lifted, box), height, width);
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
 * Resample so that the longer side is at most `side`.
 * @param {Picture} picture h×w×c
 * @param {number} side at least 1
 * @returns {Picture} the picture itself where it is no longer
 */
export function reduce_to(picture, side) {
  const longer = Math.max(picture.height, picture.width);
  if (longer <= side) return picture;
  const [rows, columns] = [picture.height, picture.width].map((s) => Math.max(1, nearest((s * side) / longer)));
  return resample(picture, rows, columns);
}

/**
 * @param {Picture} gray h×w×1
 * @param {{top: number, bottom: number, left: number, right: number}} box
 * @returns {Picture} the part in the box
 */
function cut(gray, { top, bottom, left, right }) {
  const [height, width] = [bottom - top, right - left];
  const data = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    const from = (top + row) * gray.width + left;
    data.set(gray.data.subarray(from, from + width), row * width);
  }
  return { height, width, channels: 1, data };
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
