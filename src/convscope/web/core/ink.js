// MNIST's own framing: find the ink on paper, fit it into 20×20, centre it by mass in 28×28 (see `ink.py`).

import { lift_ink } from "#web/core/lift.js";
import { nearest, resample } from "#web/core/resample.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/** Larger pictures are reduced to this before the ink is looked for. */
export const WORKING_SIDE = 256;

/**
 * Frame light ink on a dark ground as MNIST does, in the same proportions for any size. The steps are listed at
 * Python's `frame_ink`.
 * @param {Picture} grey h×w×1, light ink on dark
 * @param {number} height at least 1
 * @param {number} width at least 1
 * @returns {Picture} height×width×1; the picture itself where it is framed already
 */
export function frame_ink(grey, height, width) {
  if (is_framed(grey, height, width)) return grey;
  const lifted = lift_ink(reduce_to(grey, WORKING_SIDE));
  const out = { height, width, channels: 1, data: new Uint8Array(height * width) };
  const box = ink_box(lifted);
  if (box === null) return out;
  const small = fill_box(cut(lifted, box), height, width);
  const [row, column] = centre_of_mass(small).map(nearest);
  const y = Math.min(Math.max(Math.floor(height / 2) - row, 0), height - small.height);
  const x = Math.min(Math.max(Math.floor(width / 2) - column, 0), width - small.width);
  for (let i = 0; i < small.height; i++) {
    out.data.set(small.data.subarray(i * small.width, (i + 1) * small.width), (y + i) * width + x);
  }
  return out;
}

/**
 * Whether a picture follows MNIST's framing already: the size wanted; the box around all that is not 0 as long as
 * MNIST's (20 of 28) in one direction, give or take one pixel, and no longer in the other; the centre of mass in the
 * middle. A picture of the size wanted that is all 0 does.
 * @param {Picture} grey h×w×1
 * @param {number} height
 * @param {number} width
 * @returns {boolean}
 */
export function is_framed(grey, height, width) {
  if (grey.height !== height || grey.width !== width) return false;
  const box = ink_box(grey);
  if (box === null) return true;
  const over = Math.max(box.bottom - box.top - (height * 20) / 28, box.right - box.left - (width * 20) / 28);
  if (over > 0.5 || over < -1.5) return false;
  const [row, column] = centre_of_mass(grey);
  return Math.abs(row - height / 2) <= 0.5 && Math.abs(column - width / 2) <= 0.5;
}

/**
 * The box around what is not 0; bottom and right are one past the end.
 * @param {Picture} grey h×w×1
 * @returns {{top: number, bottom: number, left: number, right: number} | null} null where all is 0
 */
export function ink_box({ height, width, data }) {
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
 * Row and column of the centre of mass, in pixel positions counted from 0.
 * @param {Picture} grey h×w×1
 * @returns {[number, number]} the middle where all is 0
 */
export function centre_of_mass({ height, width, data }) {
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
 * @param {Picture} grey h×w×1
 * @param {{top: number, bottom: number, left: number, right: number}} box
 * @returns {Picture} the part in the box
 */
function cut(grey, { top, bottom, left, right }) {
  const [height, width] = [bottom - top, right - left];
  const data = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    const from = (top + row) * grey.width + left;
    data.set(grey.data.subarray(from, from + width), row * width);
  }
  return { height, width, channels: 1, data };
}

/**
 * Resample ink so that it just fits into the box for ink, and make its lightest level 255.
 * @param {Picture} found h×w×1, no empty rows or columns around
 * @param {number} height of the frame
 * @param {number} width of the frame
 * @returns {Picture} at most 20/28 of the frame's sides
 */
function fill_box(found, height, width) {
  const [box_height, box_width] = [height, width].map((side) => nearest((side * 20) / 28));
  const scale = Math.min(box_height / found.height, box_width / found.width);
  const [rows, columns] = [found.height, found.width].map((side) => Math.max(1, nearest(side * scale)));
  const small = resample(found, Math.min(rows, box_height), Math.min(columns, box_width));
  const lightest = small.data.reduce((a, b) => Math.max(a, b));
  const twice = 2 * Math.max(1, lightest);
  return { ...small, data: small.data.map((level) => Math.floor((level * 510 + lightest) / twice)) };
}
