// The measured accuracy in plain sentences.

import { many } from "#web/core/figures.js";
import { count } from "#web/core/scale.js";

/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */

/** What a measurement on each part is worth. @type {Record<string, string>} */
const WORTH = {
  test: "It never saw these images in training, and nothing was chosen by them.",
  validation: "It did not learn from these images, but choices were made by them: on new images it may be a little worse.",
  train: "It learned from these very images: this says nothing about new ones.",
};

/**
 * @param {Proportion} accuracy
 * @param {string} part test, validation or train
 * @returns {string[]}
 */
export function verdict_words({ successes, n }, part) {
  const wrong = n - successes;
  const result = wrong === 0
    ? `It gets all ${many(n)} right. On real pictures that is rarely the truth: look for images that are in both parts.`
    : `It gets ${count(successes)} right and ${count(wrong)} wrong: about one mistake in ${count(n / wrong)}.`;
  return [result, WORTH[part] ?? "", "The interval is for other images from the same source; pictures from elsewhere can do worse."].filter(Boolean);
}
