// Numbers for small cells and for equations: the twin of numerals.py.

/**
 * A number in few characters, with a true minus sign: "7", "−0.5", "3.14", "−1.2e6".
 * @param {number} value finite
 * @returns {string}
 */
export function format_number(value) {
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 100_000) text = String(size);
  else if (size >= 0.01 && size < 1000) text = trimmed(size.toFixed(size < 100 ? 2 : 0));
  else text = size.toExponential(1).replace(".0e", "e").replace("e+", "e");
  return value < 0 ? `−${text}` : text;
}

/**
 * The same inside a product: negative numbers in parentheses.
 * @param {number} value
 * @returns {string}
 */
export function format_factor(value) {
  return value < 0 ? `(${format_number(value)})` : format_number(value);
}

/** @param {string} text */
const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
