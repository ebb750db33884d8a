// Numbers as colors, on a diverging scale about zero, and as text.

/** The diverging scale, with the hues of --minus and --plus in the style; the middle is near the paper. */
const LIGHT = { minus: [11, 87, 168], plus: [184, 70, 0], middle: [250, 249, 246] };
const DARK = { minus: [125, 183, 245], plus: [245, 163, 92], middle: [28, 32, 39] };
/** Steps of `color_table` on each side of 0. */
export const STEPS = 255;

/**
 * The largest magnitude, for a scale about zero.
 * @param {ArrayLike<number>} values
 * @returns {number} 0 for none
 */
export function largest_magnitude(values) {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > most) most = size;
  }
  return most;
}

/**
 * A color of the scale about zero.
 * @param {number} value
 * @param {number} most the magnitude of the scale's ends, above 0
 * @param {boolean} [dark] the scale for a dark page
 * @returns {[number, number, number]} 0..255 each
 */
export function diverging(value, most, dark = false) {
  const fraction = most > 0 ? Math.max(-1, Math.min(1, value / most)) : 0;
  const { minus, plus, middle } = dark ? DARK : LIGHT;
  const end = fraction < 0 ? minus : plus;
  const t = Math.abs(fraction);
  return [mix(middle[0], end[0], t), mix(middle[1], end[1], t), mix(middle[2], end[2], t)];
}

/**
 * The scale as a table of canvas pixels, for many values: entry `STEPS + round(STEPS * value / most)`.
 * @param {boolean} dark
 * @returns {Uint32Array} in the byte order of an ImageData, opaque
 */
export function color_table(dark) {
  const bytes = new Uint8ClampedArray(4 * (2 * STEPS + 1));
  for (let at = 0; at <= 2 * STEPS; at += 1) bytes.set([...diverging(at - STEPS, STEPS, dark), 255], 4 * at);
  return new Uint32Array(bytes.buffer);
}

/**
 * Black or white, whichever can be read on a color: of the two, one always has a contrast of 4.5 or more.
 * @param {number[]} color red, green, blue, 0..255
 * @returns {string}
 */
export function text_color_on(color) {
  const [red, green, blue] = color.map((c) => (c <= 10 ? c / 3294 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

/** @param {number} from @param {number} to @param {number} t */
const mix = (from, to, t) => Math.round(from + (to - from) * t);

/**
 * A fraction as a percentage: "97.3 %"; "100 %" only for 1.
 * @param {number} fraction 0..1
 * @returns {string}
 */
export function percent(fraction) {
  const digits = fraction > 0.999 || fraction < 0.001 ? 2 : 1;
  const shown = (100 * fraction).toFixed(digits);
  if (fraction < 1 && Number(shown) === 100) return "> 99.99 %";
  if (fraction > 0 && Number(shown) === 0) return "< 0.01 %";
  return `${shown} %`;
}

/**
 * A number in a short, even width: "-0.132", "1.7e-5".
 * @param {number} value
 * @returns {string}
 */
export function short(value) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 1e-3 || size >= 1e5) return value.toExponential(1);
  return value.toFixed(size >= 100 ? 1 : 3);
}

let thousands = ",";

/**
 * Separate thousands by this from now on. Decimals always have a point, as in Python: another point would be ambiguous.
 * @param {string} mark
 */
export function use_thousands(mark) {
  thousands = mark;
}

/**
 * A count with separators: "258,826".
 * @param {number} count
 * @returns {string}
 */
export function count(count) {
  return Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, thousands);
}
