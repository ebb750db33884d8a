// An image in words: its text alternative.

import { percent } from "#web/core/scale.js";

/** @typedef {import("#web/bundle.d.ts").Bundle} Bundle */
/** @typedef {import("#web/bundle.d.ts").PictureJson} Picture */

/**
 * @param {Bundle} bundle
 * @param {Picture} entry one of its pictures
 * @returns {string} "test image 247: label 4, network says 9 with 97.1 %"
 */
export function picture_title({ class_names, pictures }, entry) {
  const which = `${pictures.part} image ${entry.index}${entry.name ? ` (${entry.name})` : ""}`;
  const says = `label ${class_names[entry.label]}, network says ${class_names[entry.predicted]} with ${percent(entry.probability)}`;
  return `${which}: ${says}${entry.known_wrong ? "; the label is known to be wrong" : ""}`;
}
