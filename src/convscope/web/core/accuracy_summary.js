// The measured accuracy in plain sentences.

import { count } from "#web/core/scale.js";
import { counted, word } from "#web/core/words.js";

/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */

/** How the accuracy on each split can be interpreted. @type {Record<string, string>} */
const NOTES = {
  test: "evaluation.test",
  validation: "evaluation.validation",
  train: "evaluation.train",
  cross_validation: "evaluation.cross_validation",
};

/**
 * @param {Proportion} accuracy
 * @param {string} part test, validation, train or cross_validation
 * @returns {string[]}
 */
export function accuracy_summary({ successes, n }, part) {
  const wrong = n - successes;
  const facts = { correct: count(successes), wrong: count(wrong), images: counted("n.images", wrong ? n / wrong : n) };
  const result = word(wrong === 0 ? "evaluation.all_correct" : wrong > successes ? "evaluation.most_wrong" : "evaluation.some_wrong", facts);
  return [result, NOTES[part] ? word(NOTES[part]) : "", word("evaluation.source")].filter(Boolean);
}
