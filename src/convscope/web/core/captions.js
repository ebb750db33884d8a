// The text alternative of an image.

import { percent } from "#web/core/scale.js";

/** @typedef {import("#web/bundle.d.ts").Bundle} Bundle */
/** @typedef {import("#web/bundle.d.ts").PictureJson} Picture */

/**
 * @param {Bundle} bundle
 * @param {Picture} entry one of its pictures
 * @returns {string} "test image 247: label 4, predicted 9 with 97.1 %"
 */
export function picture_title({ class_names, pictures }, entry) {
  const which = `${pictures.part} image ${entry.index}${entry.name ? ` (${entry.name})` : ""}`;
  const answer = `label ${class_names[entry.label]}, predicted ${class_names[entry.predicted]} with ${percent(entry.probability)}`;
  return `${which}: ${answer}${entry.known_wrong ? "; the label is known to be wrong" : ""}`;
}
