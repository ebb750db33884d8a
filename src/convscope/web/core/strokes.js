// Ink as strokes: lists of points on the pad, from which the network's input is drawn with a pen of fixed width.
//
// A drawing is not treated as a photo: nothing is searched, so that no stroke is lost and a tiny digit gets the same pen.

import { coverage } from "#web/core/raster.js";

/** @typedef {import("#web/core/contract.js").Contract} Contract */
/** @typedef {number[]} Stroke x0, y0, x1, y1, … in whole units of the pad */
/** @typedef {{x: number, y: number}} Point in units of the pad; may lie outside */
/** @typedef {{width: number, height: number}} PadSize */

/** Units along the longer side of the pad. */
export const UNITS = 1024;

/** Points of one drawing; further ones are ignored. */
export const MAX_POINTS = 20_000;

/** Points closer than this, in units, are one point: a mouse reports hundreds in a second. */
const MIN_STEP = 3;

/** Ink smaller than this, in units, is not enlarged further: a dot stays a dot. */
const MIN_SIZE = 64;

/** The pen of MNIST in 28 pixels. Measured on upright ones of the training images: 2.5 pixels in the median, 2.1 to 3.1 in most. */
const PEN = 2.4;
const FRAME = 28;
const BOX = 20;

/**
 * The pad has the proportions of the network's input.
 * @param {Pick<Contract, "height"|"width">} contract
 * @returns {PadSize}
 */
export function pad_size({ height, width }) {
  const longer = Math.max(height, width);
  return { width: Math.max(1, Math.round((UNITS * width) / longer)), height: Math.max(1, Math.round((UNITS * height) / longer)) };
}

/**
 * Add the way of a pen to a drawing, without what lies outside the pad. Where it comes back, a new stroke begins.
 * @param {Stroke[]} strokes changed
 * @param {Point|null} from where the pen was; null where it is put down
 * @param {Point} to
 * @param {PadSize} size
 */
export function extend(strokes, from, to, size) {
  const seen = clip(from ?? to, to, size);
  if (!seen || strokes.reduce((n, { length }) => n + length / 2, 0) >= MAX_POINTS) return;
  const [x0, y0, x1, y1] = seen.map(Math.round);
  const continues = from && inside(from, size) && strokes.length > 0;
  if (!continues) strokes.push([x0, y0]);
  const stroke = strokes[strokes.length - 1];
  const [x, y] = stroke.slice(-2);
  if (Math.abs(x1 - x) + Math.abs(y1 - y) >= MIN_STEP) stroke.push(x1, y1);
}

/** @param {Point} point @param {PadSize} size */
const inside = ({ x, y }, { width, height }) => x >= 0 && y >= 0 && x <= width && y <= height;

/**
 * The part of a segment on the pad (Liang and Barsky, 1984).
 * @param {Point} from @param {Point} to @param {PadSize} size
 * @returns {number[]|null} x0, y0, x1, y1; null where all of it is outside
 */
function clip(from, to, { width, height }) {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  let [first, last] = [0, 1];
  for (const [step, room] of [[-dx, from.x], [dx, width - from.x], [-dy, from.y], [dy, height - from.y]]) {
    if (step === 0 && room < 0) return null;
    if (step < 0) first = Math.max(first, room / step);
    if (step > 0) last = Math.min(last, room / step);
  }
  return first > last ? null : [from.x + first * dx, from.y + first * dy, from.x + last * dx, from.y + last * dy];
}

/**
 * The network's input. For digits: as MNIST is framed, fitted into a box of 20/28 of the sides and centered by mass, light
 * on 0. For all others: the pad reduced to the input's size.
 * @param {Stroke[]} strokes
 * @param {Contract} contract
 * @param {number} [paper] level of the background, 0 or 255; digits always have 0
 * @returns {Uint8Array} height×width×channels
 */
export function render(strokes, contract, paper = 0) {
  const { height, width, channels, fit } = contract;
  const pen = (PEN * Math.min(height, width)) / FRAME;
  if (fit === "mnist") return render_digit(strokes, height, width, pen);
  const { width: across } = pad_size(contract);
  const covered = coverage(strokes.map((stroke) => stroke.map((value) => (value * width) / across)), height, width, pen);
  const ink = paper ? 0 : 255;
  const out = new Uint8Array(height * width * channels);
  for (let i = 0; i < out.length; i++) out[i] = Math.round(paper + (ink - paper) * covered[Math.floor(i / channels)]);
  return out;
}

/** @param {Stroke[]} strokes @param {number} height @param {number} width @param {number} pen */
function render_digit(strokes, height, width, pen) {
  const out = new Uint8Array(height * width);
  const bounds = bounds_of(strokes);
  if (!bounds) return out;
  const { x, y, right, bottom } = bounds;
  const [tall, wide] = [height, width].map((side) => Math.max(1, Math.round((side * BOX) / FRAME)));
  const scale = Math.min((wide - pen) / Math.max(right - x, MIN_SIZE), (tall - pen) / Math.max(bottom - y, MIN_SIZE));
  const moved = strokes.map((stroke) => stroke.map((value, i) => pen / 2 + (value - (i % 2 ? y : x)) * scale));
  const covered = coverage(moved, tall, wide, pen);
  const { row, column, most } = mass_of(covered, wide);
  // whole pixels, as in MNIST: the center of mass comes to rest within half a pixel of the middle
  const down = between(Math.floor(height / 2) - Math.round(row), 0, height - tall + Math.floor(tall - pen - (bottom - y) * scale));
  const along = between(Math.floor(width / 2) - Math.round(column), 0, width - wide + Math.floor(wide - pen - (right - x) * scale));
  for (let r = 0; r < tall && r + down < height; r++) {
    for (let c = 0; c < wide && c + along < width; c++) out[(r + down) * width + c + along] = Math.round((255 * covered[r * wide + c]) / most);
  }
  return out;
}

/** @param {number} value @param {number} low @param {number} high */
const between = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * @param {Stroke[]} strokes
 * @returns {{x: number, y: number, right: number, bottom: number}|null} null without points
 */
export function bounds_of(strokes) {
  const found = { x: Infinity, y: Infinity, right: -Infinity, bottom: -Infinity };
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i += 2) {
      found.x = Math.min(found.x, stroke[i]);
      found.right = Math.max(found.right, stroke[i]);
      found.y = Math.min(found.y, stroke[i + 1]);
      found.bottom = Math.max(found.bottom, stroke[i + 1]);
    }
  }
  return found.x === Infinity ? null : found;
}

/** The center of mass, in pixel positions counted from 0, and the largest value. @param {Float32Array} covered @param {number} width */
function mass_of(covered, width) {
  let [total, rows, columns, most] = [0, 0, 0, 0];
  covered.forEach((value, at) => {
    total += value;
    rows += value * Math.floor(at / width);
    columns += value * (at % width);
    if (value > most) most = value;
  });
  return { row: rows / total, column: columns / total, most };
}
