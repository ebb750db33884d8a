// The measured accuracy in plain sentences.

import { count_noun } from "#web/core/formatting.js";
import { count } from "#web/core/scale.js";

/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */

/** How the accuracy on each split can be interpreted. @type {Record<string, string>} */
const NOTES = {
  test: "These images were used neither for training nor for model selection.",
  validation: "These images were not used for training, but for model selection: accuracy on new images may be slightly lower.",
  train: "The network was trained on these images: this says nothing about new images.",
};

/**
 * @param {Proportion} accuracy
 * @param {string} part test, validation or train
 * @returns {string[]}
 */
export function accuracy_summary({ successes, n }, part) {
  const wrong = n - successes;
  const result = wrong === 0
    ? `All ${count_noun(n)} are classified correctly. This is rare on real data: check for images that are in both the training and the test data.`
    : `${count(successes)} correct, ${count(wrong)} wrong${wrong > successes ? "" : `: about one error per ${count_noun(n / wrong)}`}.`;
  return [result, NOTES[part] ?? "", "The confidence interval applies to images from the same source; accuracy on other images can be lower."].filter(Boolean);
}
