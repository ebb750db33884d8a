// The axes of a chart: round tick values, and labels that do not overlap.

/**
 * Round numbers inside a range.
 * @param {number} low
 * @param {number} high above low
 * @param {number} [wanted] about how many
 * @returns {number[]} ascending: steps of 1, 2 or 5 times a power of ten
 */
export function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/**
 * Move overlapping labels apart, as little as needed and within the range.
 * @param {number[]} wanted positions, in any order
 * @param {number} gap the least distance
 * @param {number} low
 * @param {number} high at least low + gap (wanted.length - 1), or labels will overlap
 * @returns {number[]} positions in the order given
 */
export function spread_labels(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const out = [...wanted];
  let floor = low;
  for (const i of order) floor = (out[i] = Math.max(out[i], floor)) + gap;
  let ceiling = high;
  for (const i of order.reverse()) ceiling = (out[i] = Math.min(out[i], ceiling)) - gap;
  return out;
}
