// What preprocessing found on a picture, from which the warnings follow. The twin of Python's `InkReport`.

import { word } from "#web/core/words.js";

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
  if (report.constant) found.push(word("ink.constant"));
  if (is_blank(report)) found.push(word(report.faint ? "ink.faint" : "ink.none"));
  if (report.digits > 1) found.push(word("ink.digits", { count: report.digits }));
  if (report.digits && report.at_edge) found.push(word("ink.edge"));
  if (report.digits && report.ignored && !report.sheet) found.push(word("ink.ignored"));
  return found;
}
