// Find the ink on a picture: the sheet, its ruled lines, the strokes, and how many digits they are. Python lists the steps.

import { difference_from_background, histogram, moments, otsu, rounded_mean, stretch_contrast } from "#web/core/background_subtraction.js";
import { fill_polygon } from "#web/core/convex_hull.js";
import { even_out } from "#web/core/illumination.js";
import { find_digits } from "#web/core/ink_digits.js";
import { NOTHING } from "#web/core/ink_report.js";
import { eroded } from "#web/core/morphology.js";
import { crop, invert, to_gray } from "#web/core/picture.js";
import { is_darker } from "#web/core/polarity.js";
import { average_blocks, nearest, reduce_to } from "#web/core/resample.js";
import { remove_lines } from "#web/core/ruled_lines.js";
import { find_sheet } from "#web/core/sheet.js";

/** @typedef {import("#web/core/picture.js").Picture} Picture */
/** @typedef {import("#web/core/ink_report.js").InkReport} InkReport */
/** @typedef {import("#web/core/sheet.js").Sheet} Sheet */
/** @typedef {"light"|"dark"|"auto"} InkPolarity */
/** @typedef {{region: Uint8Array, sheet: Sheet|null}} Place where to search */

/**
 * `levels`: light ink on 0, of the part that was searched; `digits`: where each digit is in it.
 * @typedef {{levels: Picture, digits: Uint8Array[], report: InkReport}} FoundInk
 */

/** Larger pictures are reduced to this first. */
const WORKING_SIDE = 256;

/** Larger photos are reduced by averaging blocks, once, to between this and twice this. */
const PHOTO_SIDE = 1024;

/** Gray levels between foreground and background below which a picture counts as blank. */
const MIN_CONTRAST = 32;

/** From here on to `MIN_CONTRAST`, there may be ink that is too faint. */
const FAINT_CONTRAST = 14;

/** Standard deviations of the background between foreground and background below which a picture counts as blank. */
const MIN_CERTAINTY = 5;

/**
 * @param {Picture} original h×w×1 or h×w×3
 * @param {InkPolarity} polarity of the ink
 * @returns {FoundInk}
 */
export function find_ink(original, polarity) {
  const { height, width } = original;
  const blocks = Math.min(Math.floor(Math.max(height, width) / PHOTO_SIDE), height, width);
  const picture = blocks > 1 ? average_blocks(original, blocks) : original;
  const small = reduce_to(picture, WORKING_SIDE);
  const gray = to_gray(small);
  /** @type {{found: FoundInk, area: number}|null} */
  let best = null;
  for (const light of [true, false]) {
    const sheet = find_sheet(gray, light);
    if (sheet === null) continue;
    const { cropped, region } = crop_to(picture, sheet, gray);
    if (!region.includes(1)) continue;
    const found = search(cropped, polarity, { region, sheet });
    if (found.digits.length && (sheet.sure || !found.report.ignored)) return found;
    if (sheet.sure && (best === null || best.area < sheet.area)) best = { found, area: sheet.area };
  }
  return best ? best.found : search(small, polarity, { region: new Uint8Array(gray.data.length).fill(1), sheet: null });
}

/**
 * Search in the brightness, then in red, green and blue.
 * @param {Picture} picture
 * @param {InkPolarity} polarity
 * @param {Place} place
 * @returns {FoundInk}
 */
function search(picture, polarity, place) {
  const first = search_gray(to_gray(picture), polarity, place);
  if (first.digits.length || picture.channels === 1) return first;
  let best = first;
  let faint = first.report.faint;
  for (let channel = 0; channel < 3; channel++) {
    const data = new Uint8Array(place.region.length);
    for (let i = 0; i < data.length; i++) data[i] = picture.data[3 * i + channel];
    const found = search_gray({ ...picture, channels: 1, data }, polarity, place);
    faint ||= found.report.faint;
    if (found.digits.length && (!best.digits.length || found.report.contrast > best.report.contrast)) best = found;
  }
  return best.digits.length ? best : { ...first, report: { ...first.report, faint } };
}

/**
 * @param {Picture} gray h×w×1
 * @param {InkPolarity} polarity
 * @param {Place} place
 * @returns {FoundInk}
 */
function search_gray(gray, polarity, { region, sheet }) {
  const even = even_out(gray, region);
  const dark = polarity === "dark" || (polarity === "auto" && is_darker(even, region));
  const light_ink = dark ? invert(even) : even;
  /** @type {FoundInk} */
  const nothing = {
    levels: { ...gray, data: new Uint8Array(region.length) },
    digits: [],
    report: { ...NOTHING, dark, sheet: sheet !== null, sheet_area: sheet ? sheet.area : 0 },
  };
  let rise = difference_from_background(light_ink, region, dark);
  const counts = histogram(rise, region);
  const threshold = otsu(counts);
  const rest = moments(counts, 0, threshold);
  if (rest.n === 0 || moments(counts, threshold + 1, 255).n === 0) return nothing;
  let mask = rise.map((level, i) => (region[i] && level > threshold ? 1 : 0));
  const { taken, count } = remove_lines(mask, region, gray.width);
  nothing.report.lines = count;
  if (count) {
    rise = rise.map((level, i) => (taken[i] ? 0 : level));
    mask = mask.map((one, i) => (taken[i] ? 0 : one));
  }
  const ink = moments(histogram(rise, mask), 0, 255);
  if (ink.n === 0) return nothing;
  const [low, full] = [rounded_mean(rest), rounded_mean(ink)];
  const contrast = full - low;
  nothing.report.contrast = contrast;
  const spread = rest.n * rest.squares - rest.sum ** 2; // the variance times n²: exact, where a root would round
  if (contrast < FAINT_CONTRAST || (contrast * rest.n) ** 2 < MIN_CERTAINTY ** 2 * spread) return nothing;
  const { masks, marks, at_edge, ignored } = find_digits(mask, { ...gray, data: rise }, region, contrast, sheet !== null, count > 0);
  Object.assign(nothing.report, { marks, at_edge, ignored });
  if (!masks.length) return nothing;
  if (contrast < MIN_CONTRAST) return { ...nothing, report: { ...nothing.report, faint: true } };
  const kept = masks.reduce((all, one) => all.map((pixel, i) => pixel | one[i]));
  const levels = stretch_contrast(rise, light_ink, kept, { low, full });
  return { levels, digits: masks, report: { ...nothing.report, digits: masks.length } };
}

/**
 * Crop a picture to a sheet that was found on its reduced version, and reduce that.
 * @param {Picture} picture
 * @param {Sheet} sheet
 * @param {Picture} small the reduced version
 * @returns {{cropped: Picture, region: Uint8Array}} and where the sheet is on it, without its blurred margin
 */
function crop_to(picture, { outline }, small) {
  const { height: h, width: w } = picture;
  const [xs, ys] = [outline.map(([x]) => x), outline.map(([, y]) => y)];
  const [top, bottom] = [Math.floor((Math.min(...ys) * h) / small.height), Math.ceil((Math.max(...ys) * h) / small.height)];
  const [left, right] = [Math.floor((Math.min(...xs) * w) / small.width), Math.ceil((Math.max(...xs) * w) / small.width)];
  const cropped = reduce_to(crop(picture, { top, bottom, left, right }), WORKING_SIDE);
  const { height: rows, width: columns } = cropped;
  const moved = outline.map(([x, y]) => /** @type {[number, number]} */ ([
    nearest((((x * w) / small.width - left) * columns) / (right - left)),
    nearest((((y * h) / small.height - top) * rows) / (bottom - top)),
  ]));
  const margin = Math.max(2, Math.floor(Math.max(rows, columns) / 40));
  const region = eroded(fill_polygon(moved, rows, columns), columns, 2 * margin + 1);
  const [first, end] = [top > 0 ? margin : 0, bottom < h ? rows - margin : rows];
  const [start, stop] = [left > 0 ? margin : 0, right < w ? columns - margin : columns];
  for (let y = 0, i = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, i++) if (y < first || y >= end || x < start || x >= stop) region[i] = 0;
  }
  return { cropped, region };
}
