// Running minima and maxima over square windows.

/** @typedef {import("#web/core/picture.js").Picture} Picture */

/**
 * The running minimum or maximum in an odd square window that is cut off at the edges.
 * @param {Picture} grey h×w×1
 * @param {number} window odd
 * @param {"minimum" | "maximum"} kind
 * @returns {Picture} h×w×1
 */
export function running({ height, width, data }, window, kind) {
  const reach = window >> 1;
  const lowest = kind === "minimum";
  const wide = new Uint8Array((height + 2 * reach) * (width + 2 * reach)).fill(lowest ? 255 : 0);
  const stride = width + 2 * reach;
  for (let row = 0; row < height; row++) {
    wide.set(data.subarray(row * width, (row + 1) * width), (row + reach) * stride + reach);
  }
  const gather = lowest ? gather_minimum : gather_maximum;
  for (const step of [1, stride]) {
    let span = 1;
    // A window of 2 spans comes from two windows of 1. What runs over a row's end is never read.
    for (; span * 2 <= window; span *= 2) gather(wide, span * step);
    if (window > span) gather(wide, (window - span) * step);
  }
  const out = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    out.set(wide.subarray(row * stride, row * stride + width), row * width);
  }
  return { height, width, channels: 1, data: out };
}

/**
 * The running maximum of the running minimum: light details narrower than the window vanish.
 * @param {Picture} grey h×w×1
 * @param {number} window odd
 * @returns {Picture} h×w×1
 */
export function opening(grey, window) {
  return running(running(grey, window, "minimum"), window, "maximum");
}

/**
 * Upwards in place: what lies `shift` ahead has not been touched yet.
 * @param {Uint8Array} values
 * @param {number} shift
 */
function gather_minimum(values, shift) {
  for (let i = 0, j = shift; j < values.length; i++, j++) if (values[j] < values[i]) values[i] = values[j];
}

/**
 * @param {Uint8Array} values
 * @param {number} shift
 */
function gather_maximum(values, shift) {
  for (let i = 0, j = shift; j < values.length; i++, j++) if (values[j] > values[i]) values[i] = values[j];
}
