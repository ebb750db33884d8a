// Connected components of a mask, with their size, mass and contact with the edge.

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
 * Size, mass and contact of a component; bottom and right are one past the end. `contact` counts pixels at the edge.
 * @typedef {{label: number, top: number, bottom: number, left: number, right: number, area: number, mass: number, contact: number}} Component
 */

/**
 * The components in order of their labels.
 * @param {{labels: Int32Array, count: number}} components
 * @param {number} width
 * @param {Uint8Array} weights for the masses
 * @param {Uint8Array} edge h×w, 0 or 1
 * @returns {Component[]}
 */
export function measure_components({ labels, count }, width, weights, edge) {
  const parts = Array.from({ length: count }, (_, i) => ({
    label: i + 1, top: Infinity, bottom: 0, left: Infinity, right: 0, area: 0, mass: 0, contact: 0,
  }));
  for (let i = 0; i < labels.length; i++) {
    if (!labels[i]) continue;
    const part = parts[labels[i] - 1];
    const [y, x] = [(i / width) | 0, i % width];
    if (y < part.top) part.top = y;
    if (x < part.left) part.left = x;
    if (x >= part.right) part.right = x + 1;
    part.bottom = y + 1;
    part.area++;
    part.mass += weights[i];
    part.contact += edge[i];
  }
  return parts;
}
