// The colors of canvases, which do not follow the style by themselves.

const DARK = "(prefers-color-scheme: dark)";

/** Asked for each frame of a drawing: to make a query takes longer than to read it. @type {Record<string, MediaQueryList>} */
const queries = {};
const query = (/** @type {string} */ text) => (queries[text] ??= matchMedia(text));

/** Whether the page is dark now; a printed page never is. */
export function is_dark() {
  return query(DARK).matches && !query("print").matches;
}

/** Colors of lines on a canvas, the same as in the style. */
export function line_colors() {
  return is_dark() ? { plus: "#f5a35c", minus: "#7db7f5", edge: [107, 116, 132], paper: "#14171c", ink: "#e9ebee" } : { plus: "#a84300", minus: "#0b57a8", edge: [143, 137, 124], paper: "#fbfaf7", ink: "#1b1f24" };
}

/**
 * Call when the colors have changed: dark or light, and before and after printing.
 * @param {() => void} repaint
 * @returns {() => void} stops calling
 */
export function on_theme(repaint) {
  const both = [query(DARK), query("print")];
  both.forEach((one) => one.addEventListener("change", repaint));
  return () => both.forEach((one) => one.removeEventListener("change", repaint));
}
