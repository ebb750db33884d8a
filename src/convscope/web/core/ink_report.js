// What preprocessing found on a picture, from which the warnings follow. The twin of Python's `InkReport`.

/**
 * `digits`: how many; 0 if no ink was found. `searched`: whether ink was searched, which only preprocessing for digits does.
 * @typedef {object} InkReport
 * @property {boolean} dark
 * @property {boolean} searched
 * @property {number} digits
 * @property {number} contrast
 * @property {boolean} faint
 * @property {boolean} sheet
 * @property {number} sheet_area
 * @property {number} lines
 * @property {number} marks
 * @property {boolean} at_edge
 * @property {boolean} ignored
 * @property {boolean} constant
 */

/** @type {InkReport} */
export const NOTHING = {
  dark: false, searched: true, digits: 0, contrast: 0, faint: false, sheet: false, sheet_area: 0, lines: 0, marks: 0,
  at_edge: false, ignored: false, constant: false,
};

/** Whether ink was searched and none was found. @param {InkReport} report */
export function is_blank({ searched, digits }) {
  return searched && digits === 0;
}

/**
 * What a person should know about the result.
 * @param {InkReport} report
 * @returns {string[]}
 */
export function warnings_of(report) {
  const found = [];
  if (report.constant) found.push("blank image: all pixels are equal");
  if (is_blank(report)) found.push(report.faint ? "no ink found: the marks are too faint" : "no ink found");
  if (report.digits > 1) found.push(`${report.digits} digits found`);
  if (report.digits && report.at_edge) found.push("ink touches the edge of the image");
  if (report.digits && report.ignored && !report.sheet) found.push("marks at the edge of the image are ignored");
  return found;
}
