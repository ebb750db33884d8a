/**
 * Layer kinds: each is one file of `layers/`, named after Keras's class and loaded when a network uses it. A new kind is
 * a new file there; nothing else changes. `layer_kind.d.ts` says what such a file exports.
 *
 * @typedef {import("#web/layer_kind.d.ts").LayerKind} LayerKind
 */

/** @type {Map<string, LayerKind>} */
const loaded = new Map();

/**
 * The file of a layer kind: Keras's class name in snake case, as Python names layers.
 *
 * @param {string} kind "GlobalAveragePooling2D"
 * @returns {string} "global_average_pooling2d"
 */
export function file_of(kind) {
  return kind.replace(/(.)([A-Z][a-z]+)/g, "$1_$2").replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
}

/**
 * Load the files of some kinds; those that are loaded already cost nothing.
 *
 * @param {Iterable<string>} kinds Keras's class names.
 * @throws {Error} There is no file for a kind.
 */
export async function load_kinds(kinds) {
  const missing = [...new Set(kinds)].filter((kind) => !loaded.has(kind));
  await Promise.all(missing.map(async (kind) => loaded.set(kind, await load(kind))));
}

/**
 * The kind of a layer.
 *
 * @param {{kind: string}} row
 * @returns {LayerKind}
 * @throws {Error} It is unknown, or was not loaded.
 */
export function kind_of({ kind }) {
  const found = loaded.get(kind);
  if (!found) throw unknown(kind);
  return found;
}

/** @param {string} kind @returns {Promise<LayerKind>} */
async function load(kind) {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(kind)) throw unknown(kind);
  try {
    return (await import(`#web/layers/${file_of(kind)}.js`)).default;
  } catch (error) {
    throw unknown(kind, error);
  }
}

/** @param {string} kind @param {unknown} [cause] */
function unknown(kind, cause) {
  return new Error(`This page cannot compute layers of this kind. Received: kind=${kind}. Update convscope, then write the page again with: convscope open`, { cause });
}
