// The preprocessing contract: from any picture to the network's input, the exact twin of `preprocess.py`.

import { check_contract } from "#web/core/contract.js";
import { normalize_digit } from "#web/core/digit_normalization.js";
import { NOTHING } from "#web/core/ink_report.js";
import { check_picture, contrasting_background, flatten_alpha, invert, to_gray, to_rgb } from "#web/core/picture.js";
import { border_pixels, has_dark_foreground, median } from "#web/core/polarity.js";
import { nearest, resample } from "#web/core/resample.js";

/**
 * @typedef {import("#web/core/contract.js").Contract} Contract
 * @typedef {import("#web/core/picture.js").AnyPicture} AnyPicture
 * @typedef {import("#web/core/picture.js").Picture} Picture
 */

/** @typedef {import("#web/core/ink_report.js").InkReport} InkReport */
/** @typedef {{pixels: Picture, digits: Picture[], report: InkReport}} Framing the input, that of each digit, what was found */

const FITS = { stretch: resample, pad, crop };

/** @type {Record<string, import("#web/core/find_ink.js").InkPolarity>} */
const INK = { as_is: "light", invert: "dark", auto: "auto" };

/**
 * Turn a picture into the network's input: transparency, channels, polarity, fit, in this order.
 * @param {AnyPicture} picture h×w×c, levels 0..255, c from 1 to 4; not modified
 * @param {Contract} contract as in the model file; checked
 * @returns {Picture} height×width×channels of the contract, in new bytes
 * @throws {Error} the picture or the contract is not valid
 */
export function preprocess(picture, contract) {
  return frame(picture, contract).pixels;
}

/**
 * As `preprocess`, with a report of what was found.
 * @param {AnyPicture} picture
 * @param {Contract} contract
 * @returns {Framing}
 * @throws {Error} the picture or the contract is not valid
 */
export function frame(picture, contract) {
  const { height, width, channels, fit, polarity, background } = check_contract(contract);
  const checked = check_picture(picture);
  if (fit === "mnist") {
    const flat = flatten_alpha(checked, contrasting_background(checked, background));
    const found = normalize_digit(flat, height, width, INK[polarity]);
    return { ...found, pixels: { ...found.pixels, data: new Uint8Array(found.pixels.data) } };
  }
  let flat = flatten_alpha(checked, background);
  flat = channels === 1 ? to_gray(flat) : to_rgb(flat);
  const constant = flat.data.every((level, i) => level === flat.data[i % flat.channels]);
  const dark = polarity === "invert" || (polarity === "auto" && has_dark_foreground(to_gray(flat)));
  const fitted = FITS[fit](dark ? invert(flat) : flat, height, width);
  const pixels = { ...fitted, data: new Uint8Array(fitted.data) };
  return { pixels, digits: [], report: { ...NOTHING, dark, searched: false, constant } };
}

/**
 * Resize to fit, keeping the aspect ratio, centered on the border's color.
 * @param {Picture} picture
 * @param {number} height
 * @param {number} width
 * @returns {Picture}
 */
function pad(picture, height, width) {
  const scale = Math.min(height / picture.height, width / picture.width);
  const [rows, columns] = scaled_sides(picture, scale);
  const inner = resample(picture, Math.min(rows, height), Math.min(columns, width));
  if (inner.height === height && inner.width === width) return inner;
  const channels = picture.channels;
  const color = Array.from({ length: channels }, (_, channel) => median(border_pixels(picture, channel)));
  const data = Uint8Array.from({ length: height * width * channels }, (_, i) => color[i % channels]);
  const top = Math.floor((height - inner.height) / 2);
  const left = Math.floor((width - inner.width) / 2);
  const length = inner.width * channels;
  for (let row = 0; row < inner.height; row++) {
    data.set(inner.data.subarray(row * length, (row + 1) * length), ((top + row) * width + left) * channels);
  }
  return { height, width, channels, data };
}

/**
 * Resize to cover, keeping the aspect ratio, cropped to the center.
 * @param {Picture} picture
 * @param {number} height
 * @param {number} width
 * @returns {Picture}
 */
function crop(picture, height, width) {
  const scale = Math.max(height / picture.height, width / picture.width);
  const [rows, columns] = scaled_sides(picture, scale);
  const inner = resample(picture, Math.max(rows, height), Math.max(columns, width));
  const channels = picture.channels;
  const top = Math.floor((inner.height - height) / 2);
  const left = Math.floor((inner.width - width) / 2);
  const data = new Uint8Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * inner.width + left) * channels;
    data.set(inner.data.subarray(from, from + width * channels), row * width * channels);
  }
  return { height, width, channels, data };
}

/**
 * @param {Picture} picture
 * @param {number} scale
 * @returns {number[]} both sides, scaled and rounded half up, at least 1
 */
function scaled_sides(picture, scale) {
  return [picture.height, picture.width].map((side) => Math.max(1, nearest(side * scale)));
}
