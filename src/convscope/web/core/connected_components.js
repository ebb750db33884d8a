// Connected components of a mask, and which of them make up the character.

/** Components with less than this fraction of the largest one's mass are noise. */
const MIN_MASS = 0.05;

/**
 * Label the connected components of a mask (8-connectivity), from 1.
 * @param {Uint8Array} mask h×w, 0 or 1
 * @param {number} width
 * @returns {{labels: Int32Array, count: number}} labels: h×w, 0 outside the mask
 */
export function connected_components(mask, width) {
  const height = mask.length / width;
  const labels = new Int32Array(mask.length);
  const open = new Int32Array(mask.length);
  let count = 0;
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || labels[start]) continue;
    labels[start] = ++count;
    open[0] = start;
    for (let left = 1; left > 0; ) {
      const here = open[--left];
      const row = (here / width) | 0;
      const column = here - row * width;
      const [bottom, right] = [Math.min(row + 1, height - 1), Math.min(column + 1, width - 1)];
      for (let y = Math.max(row - 1, 0); y <= bottom; y++) {
        for (let x = Math.max(column - 1, 0); x <= right; x++) {
          const next = y * width + x;
          if (!mask[next] || labels[next]) continue;
          labels[next] = count;
          open[left++] = next;
        }
      }
    }
  }
  return { labels, count };
}

/**
 * Keep the components that make up the character; a component's mass is the sum of its weights. If a component that
 * does not touch the edge has at least a tenth of the largest mass, those that touch the edge are removed. Of the rest,
 * those with less than 5 % of the largest mass are removed.
 * @param {Uint8Array} mask h×w, 0 or 1, somewhere 1
 * @param {Uint8Array} weights h×w, above 0 wherever the mask is 1
 * @param {number} width
 * @returns {Uint8Array} h×w, 0 or 1
 */
export function main_components(mask, weights, width) {
  const { labels, count } = connected_components(mask, width);
  const mass = new Float64Array(count + 1);
  for (let i = 0; i < labels.length; i++) if (labels[i]) mass[labels[i]] += weights[i];
  const inside = mass.slice();
  const last = labels.length - width;
  for (let x = 0; x < width; x++) inside[labels[x]] = inside[labels[last + x]] = 0;
  for (let at = 0; at <= last; at += width) inside[labels[at]] = inside[labels[at + width - 1]] = 0;
  const judged = largest(inside) * 10 >= largest(mass) ? inside : mass;
  const least = largest(judged) * MIN_MASS;
  const kept = new Uint8Array(labels.length);
  for (let i = 0; i < labels.length; i++) kept[i] = labels[i] && judged[labels[i]] >= least ? 1 : 0;
  return kept;
}

/**
 * @param {Float64Array} values
 * @returns {number}
 */
function largest(values) {
  return values.reduce((a, b) => Math.max(a, b));
}
