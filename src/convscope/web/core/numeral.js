// Numbers as people read them in a small cell and in a sum: the twin of numerals.py.

/**
 * A number in few characters, with a real minus sign: "7", "−0.5", "3.14", "−1.2e6".
 * @param {number} value finite
 * @returns {string}
 */
export function numeral(value) {
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 100_000) text = String(size);
  else if (size >= 0.01 && size < 1000) text = trimmed(size.toFixed(size < 100 ? 2 : 0));
  else text = size.toExponential(1).replace(".0e", "e").replace("e+", "e");
  return value < 0 ? `−${text}` : text;
}

/**
 * The same inside a product: negative numbers stand in brackets.
 * @param {number} value
 * @returns {string}
 */
export function factor(value) {
  return value < 0 ? `(${numeral(value)})` : numeral(value);
}

/** @param {string} text */
const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
