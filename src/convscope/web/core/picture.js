// Pictures as bytes, and per-pixel operations: transparency, grayscale, RGB, inversion.

import { show } from "#web/core/contract.js";

/**
 * Row by row, channels last. `channels`: 1 (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGBA).
 * @typedef {{height: number, width: number, channels: number, data: Uint8Array}} Picture
 */

/**
 * The result of a canvas or a decoder: a `Picture` whose bytes may be clamped.
 * @typedef {{height: number, width: number, channels: number, data: Uint8Array | Uint8ClampedArray}} AnyPicture
 */

/**
 * Check a picture.
 * @param {AnyPicture} picture shape h×w×c, at least one pixel, c from 1 to 4
 * @returns {Picture} the same bytes as a Uint8Array
 * @throws {Error} not such a picture, or not h×w×c bytes
 */
export function check_picture(picture) {
  const { height, width, channels, data } = Object(picture);
  const whole = [height, width, channels].every((value) => Number.isInteger(value) && value > 0);
  const bytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
  if (!whole || channels > 4 || !bytes || data.length !== height * width * channels) {
    throw new Error(
      "Expected a picture of height × width × 1 to 4 channels bytes in a Uint8Array or Uint8ClampedArray. " +
        `Received: height=${show(height)}, width=${show(width)}, channels=${show(channels)}, data=${show(data)}.`,
    );
  }
  // One array type in all inner loops, so that they are compiled once.
  return { height, width, channels, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
}

/**
 * Composite a picture with an alpha channel on a gray level: `floor((p a + background (255 - a) + 127) / 255)`.
 * @param {Picture} picture h×w×c
 * @param {number} background 0..255
 * @returns {Picture} h×w×1 from c = 1 or 2, h×w×3 from c = 3 or 4
 */
export function flatten_alpha(picture, background) {
  if (picture.channels % 2) return picture;
  const { height, width, data } = picture;
  const channels = picture.channels - 1;
  const out = new Uint8Array(height * width * channels);
  for (let from = 0, to = 0; from < data.length; from += channels + 1) {
    const alpha = data[from + channels];
    const under = background * (255 - alpha) + 127;
    for (let k = 0; k < channels; k++) out[to++] = ((data[from + k] * alpha + under) / 255) | 0;
  }
  return { height, width, channels, data: out };
}

/**
 * The brightness of each pixel: `(19595 R + 38470 G + 7471 B + 32768) >> 16` (ITU-R 601).
 * @param {Picture} picture h×w×1 or h×w×3
 * @returns {Picture} h×w×1
 */
export function to_gray(picture) {
  if (picture.channels === 1) return picture;
  const { height, width, data } = picture;
  const out = new Uint8Array(height * width);
  for (let from = 0, to = 0; to < out.length; from += 3) {
    out[to++] = (19595 * data[from] + 38470 * data[from + 1] + 7471 * data[from + 2] + 32768) >> 16;
  }
  return { height, width, channels: 1, data: out };
}

/**
 * Three equal channels for a gray picture; RGB stays as it is.
 * @param {Picture} picture h×w×1 or h×w×3
 * @returns {Picture} h×w×3
 */
export function to_rgb(picture) {
  if (picture.channels === 3) return picture;
  const { height, width, data } = picture;
  const out = new Uint8Array(data.length * 3);
  for (let to = 0; to < out.length; to++) out[to] = data[(to / 3) | 0];
  return { height, width, channels: 3, data: out };
}

/**
 * 255 - p for each pixel p.
 * @param {Picture} picture h×w×c
 * @returns {Picture} h×w×c
 */
export function invert(picture) {
  const data = new Uint8Array(picture.data.length);
  for (let i = 0; i < data.length; i++) data[i] = 255 - picture.data[i];
  return { ...picture, data };
}

/**
 * @param {Picture} picture h×w×c
 * @param {{top: number, bottom: number, left: number, right: number}} box bottom and right are one past the end
 * @returns {Picture} the part in the box
 */
export function crop(picture, { top, bottom, left, right }) {
  const { channels } = picture;
  const [height, width] = [bottom - top, right - left];
  const data = new Uint8Array(height * width * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * picture.width + left) * channels;
    data.set(picture.data.subarray(from, from + width * channels), row * width * channels);
  }
  return { height, width, channels, data };
}

/**
 * The gray level to lay ink on that was drawn on a transparent ground: black for light ink, white for dark ink, where it
 * would be less than 64 levels from `background`, and a quarter of the picture or more is transparent.
 * @param {Picture} picture h×w×c
 * @param {number} background 0..255
 * @returns {number}
 */
export function contrasting_background(picture, background) {
  if (picture.channels % 2) return background;
  const { channels, data } = picture;
  const n = picture.height * picture.width;
  let clear = 0;
  for (let at = channels - 1; at < data.length; at += channels) clear += Number(data[at] < 128);
  if (clear * 4 < n) return background;
  const colors = new Uint8Array(n * (channels - 1));
  for (let i = 0, to = 0; i < data.length; i += channels) for (let k = 0; k < channels - 1; k++) colors[to++] = data[i + k];
  const gray = to_gray({ ...picture, channels: channels - 1, data: colors }).data;
  let [weight, sum] = [0, 0];
  for (let i = 0; i < n; i++) {
    const alpha = data[(i + 1) * channels - 1];
    weight += alpha;
    sum += gray[i] * alpha;
  }
  if (weight === 0) return background;
  const level = Math.floor(sum / weight);
  return Math.abs(level - background) >= 64 ? background : level < 128 ? 255 : 0;
}
