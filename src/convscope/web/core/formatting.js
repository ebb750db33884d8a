// Numbers with units and uncertainty, as text.

import { word } from "#web/core/words.js";

/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */

/**
 * The significant decimals of a percentage of n cases: 1 up to 1,000 cases, 2 up to 10,000.
 * @param {number} n at least 1
 * @returns {number}
 */
export function decimals(n) {
  return Math.max(1, Math.ceil(Math.log10(n / 100)));
}

/**
 * A proportion as a percentage, with its significant decimals: "99.26 %".
 * @param {Proportion} proportion
 * @param {number} [digits] other decimals: those of its column
 * @returns {string}
 */
export function format_rate({ rate, n }, digits = decimals(n)) {
  return `${(100 * rate).toFixed(digits)} %`;
}

/**
 * Its 95 % confidence interval: "99.07 to 99.41 %".
 * @param {Proportion} proportion
 * @returns {string}
 */
export function format_interval({ low, high, n }) {
  return word("interval", { low: (100 * low).toFixed(decimals(n)), high: (100 * high).toFixed(decimals(n)) });
}

/**
 * The same for a narrow column without a unit: "99.07–99.41".
 * @param {Proportion} proportion
 * @param {number} digits
 * @returns {string}
 */
export function format_range({ low, high }, digits) {
  return `${(100 * low).toFixed(digits)}–${(100 * high).toFixed(digits)}`;
}

/**
 * A duration: "0.4 s", "12 s", "3 min 5 s", "2 h 10 min".
 * @param {number} seconds at least 0
 * @returns {string}
 */
export function format_duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * A number as people type it: with a decimal point or comma, and thousands apart as on this page.
 * @param {string} text
 * @returns {number} NaN if it is none; "1,250" is 1250, and "0,25" a quarter
 */
export function read_number(text) {
  const typed = text.replace(/\s/g, "").replace("−", "-");
  if (typed === "") return NaN;
  return Number(/^[1-9]\d{0,2}(,\d{3})+$/.test(typed) ? typed.replaceAll(",", "") : typed.replace(",", "."));
}
