// Numbers as colors, on a diverging scale about zero, and as text.

/** Ends of the diverging scale, the same hues as --minus and --plus in the style; the middle is paper. */
const MINUS = [11, 87, 168];
const PLUS = [184, 70, 0];
const MIDDLE = [250, 249, 246];

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
 * @returns {[number, number, number]} 0..255 each
 */
export function diverging(value, most) {
  const fraction = most > 0 ? Math.max(-1, Math.min(1, value / most)) : 0;
  const end = fraction < 0 ? MINUS : PLUS;
  const t = Math.abs(fraction);
  return [mix(0, end, t), mix(1, end, t), mix(2, end, t)];
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

/** @param {number} i @param {number[]} end @param {number} t */
const mix = (i, end, t) => Math.round(MIDDLE[i] + (end[i] - MIDDLE[i]) * t);

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

/**
 * A count with separators: "258,826".
 * @param {number} count
 * @returns {string}
 */
export function count(count) {
  return Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}
