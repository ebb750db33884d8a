// The text alternative of an image.

import { percent } from "#web/core/scale.js";
import { part_name, word } from "#web/core/words.js";

/** @typedef {import("#web/bundle.d.ts").Bundle} Bundle */
/** @typedef {import("#web/bundle.d.ts").PictureJson} Picture */

/**
 * @param {Bundle} bundle
 * @param {Picture} entry one of its pictures
 * @returns {string} "test image 247: label 4, predicted 9 with 97.1 %"
 */
export function picture_title({ class_names, pictures }, entry) {
  return word(entry.known_wrong ? "image.title_wrong" : "image.title", {
    part: part_name(pictures.part), index: entry.index, file: entry.name ? ` (${entry.name})` : "",
    label: class_names[entry.label], predicted: class_names[entry.predicted], chance: percent(entry.probability),
  });
}
