// Remove ruled lines and squares: straight, thin lines across the whole sheet. Python's `ruled_lines` says more.

/** @typedef {{row: number, rise: number, thickness: number}} Line first row, rise over the width, median thickness */
/** @typedef {{mask: Uint8Array, height: number, width: number, tops: Int32Array, bottoms: Int32Array}} Runs vertical runs */

const MIN_SIDE = 64;
const SLOPES = 5;
const MIN_COVER = 0.7;
const MIN_COVER_ALONE = 0.85;
const MAX_THICKNESS_ALONE = 0.025;
const MAX_THICKNESS = 0.04;
const MAX_INK = 0.5;
const MAX_CANDIDATES = 400;
const NEAR = [0, -1, 1, -2, 2];

/**
 * @param {Uint8Array} mask h×w, 0 or 1: ink and lines
 * @param {Uint8Array} region h×w, 0 or 1: the sheet
 * @param {number} width
 * @returns {{taken: Uint8Array, count: number}} the pixels to remove, and the number of lines
 */
export function remove_lines(mask, region, width) {
  const height = mask.length / width;
  const taken = new Uint8Array(mask.length);
  const [ink, sheet] = [mask, region].map((one) => one.reduce((a, b) => a + b, 0));
  if (Math.min(height, width) < MIN_SIDE || ink > MAX_INK * sheet) return { taken, count: 0 };
  const level = find_lines(runs_of(mask, height, width), region);
  for (const line of level.lines) erase(level.runs, line, taken);
  const left = mask.map((one, i) => (one && !taken[i] ? 1 : 0));
  const upright = find_lines(runs_of(transposed(left, width), width, height), transposed(region, width));
  const more = transposed(taken, width);
  for (const line of upright.lines) erase(upright.runs, line, more);
  return { taken: transposed(more, height), count: level.lines.length + upright.lines.length };
}

/** @param {Uint8Array} data h×w @param {number} width @returns {Uint8Array} w×h */
function transposed(data, width) {
  const height = data.length / width;
  const out = new Uint8Array(data.length);
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) out[x * height + y] = data[i];
  return out;
}

/** The vertical run of each pixel of a mask. @param {Uint8Array} mask @param {number} height @param {number} width @returns {Runs} */
function runs_of(mask, height, width) {
  const tops = new Int32Array(mask.length);
  const bottoms = new Int32Array(mask.length);
  for (let i = 0; i < mask.length; i++) tops[i] = mask[i] && i >= width && mask[i - width] ? tops[i - width] : Math.floor(i / width);
  for (let i = mask.length - 1; i >= 0; i--) {
    bottoms[i] = i + width < mask.length && mask[i + width] ? bottoms[i + width] : Math.floor(i / width) + 1;
  }
  return { mask, height, width, tops, bottoms };
}

/**
 * The nearly horizontal lines, most visible first.
 * @param {Runs} runs
 * @param {Uint8Array} region
 * @returns {{runs: Runs, lines: Line[]}}
 */
function find_lines(runs, region) {
  const { mask, height: h, width: w } = runs;
  const free = mask.map((one, i) => (one || mask[i - w] || mask[i + w] ? 1 : 0));
  const used = new Uint8Array(mask.length);
  /** @type {Line[]} */
  const lines = [];
  /** @type {number[]} */
  const visible = [];
  for (const [, row, rise] of candidates(free, h, w)) {
    const at = Int32Array.from({ length: w }, (_, x) => row + shift(x, rise, w));
    let [length, seen] = [0, 0];
    for (let x = 0; x < w; x++) {
      const i = at[x] * w + x;
      if (at[x] < 0 || at[x] >= h || !region[i]) continue;
      length++;
      if (free[i] && !used[i]) seen++;
    }
    if (length * 3 < w || seen < MIN_COVER * length) continue;
    const thickness = median_thickness(runs, at);
    if (thickness === 0 || thickness > MAX_THICKNESS * Math.max(h, w)) continue;
    lines.push({ row, rise, thickness });
    visible.push(seen / length);
    for (let x = 0; x < w; x++) {
      if (at[x] < 0 || at[x] >= h) continue;
      for (let y = Math.max(0, at[x] - 4); y <= Math.min(h - 1, at[x] + 4); y++) used[y * w + x] = 1;
    }
  }
  const alone = lines.length === 1 && (visible[0] < MIN_COVER_ALONE || lines[0].thickness > MAX_THICKNESS_ALONE * Math.max(h, w));
  return { runs, lines: alone ? [] : lines };
}

/**
 * Rows and rises at which many pixels of the mask are on a line.
 * @param {Uint8Array} free
 * @param {number} h
 * @param {number} w
 * @returns {[number, number, number][]} minus the count, row, rise
 */
function candidates(free, h, w) {
  /** @type {[number, number, number][]} */
  const found = [];
  const reach = Math.floor(w / SLOPES);
  const last = h + 2 * w - 1;
  for (let rise = -reach; rise <= reach; rise += 2) {
    const counts = new Int32Array(last + 1);
    const moved = Int32Array.from({ length: w }, (_, x) => w - shift(x, rise, w));
    for (let y = 0, i = 0; y < h; y++) for (let x = 0; x < w; x++, i++) if (free[i]) counts[y + moved[x]]++;
    for (let row = 0; row <= last; row++) {
      const n = counts[row];
      if (n * 5 < w || n < counts[Math.max(row - 1, 0)] || n <= counts[Math.min(row + 1, last)]) continue;
      found.push([-n, row - w, rise]);
    }
  }
  found.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  return found.slice(0, MAX_CANDIDATES);
}

/** By how many rows a line has risen at a column, rounded half up. @param {number} column @param {number} rise @param {number} width */
function shift(column, rise, width) {
  return Math.floor((2 * column * rise + width) / (2 * width));
}

/** The pixel of the mask nearest to a line, up to two rows from it; -1 for none. @param {Runs} runs @param {number} row @param {number} x */
function pixel_at({ mask, height, width }, row, x) {
  for (const offset of NEAR) {
    const y = row + offset;
    if (y >= 0 && y < height && mask[y * width + x]) return y * width + x;
  }
  return -1;
}

/** The lower median; 0 if there are no runs. @param {Runs} runs @param {Int32Array} at the row at each column, also outside */
function median_thickness(runs, at) {
  const lengths = [];
  for (let x = 0; x < runs.width; x++) {
    const i = at[x] >= 0 && at[x] < runs.height ? pixel_at(runs, at[x], x) : -1;
    if (i >= 0) lengths.push(runs.bottoms[i] - runs.tops[i]);
  }
  lengths.sort((a, b) => a - b);
  return lengths.length ? lengths[Math.floor((lengths.length - 1) / 2)] : 0;
}

/** Mark the pixels of a line where no stroke crosses it. @param {Runs} runs @param {Line} line @param {Uint8Array} taken */
function erase(runs, { row, rise, thickness }, taken) {
  const { height, width, tops, bottoms } = runs;
  const most = thickness + Math.max(1, Math.floor(thickness / 2));
  for (let x = 0; x < width; x++) {
    const i = pixel_at(runs, row + shift(x, rise, width), x);
    if (i < 0 || bottoms[i] - tops[i] > most) continue;
    for (let y = Math.max(0, tops[i] - 1); y < Math.min(height, bottoms[i] + 1); y++) taken[y * width + x] = 1;
  }
}
