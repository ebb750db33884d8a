// The tables in which a sum is written out.

import { diverging, ink_on, percent, reach, short } from "#web/core/scale.js";
import { probabilities_at } from "#web/core/softmax.js";
import { h } from "#web/view/dom.js";

/** @typedef {import("#web/core/taps.js").ChannelTaps} ChannelTaps */
/** @typedef {import("#web/core/taps.js").Pixel} Pixel */
/** @typedef {{name: string, input: number, weight: number, product: number}} Item */

const SHOWN = 3;

/**
 * Window × filter for the maps that count most, and one line for the rest.
 * @param {ChannelTaps[]} channels
 * @param {string} source what the maps are of
 * @param {{shown?: number, noun?: string, edge?: string, format?: (value: number) => string}} [style] how many maps, in
 *     their own order where all are shown; what to call one; what stands in the padding; how numbers are written
 * @returns {Node[]}
 */
export function grids(channels, source, { shown = SHOWN, noun = "map", edge = "0 (edge)", format = short } = {}) {
  const order = shown < Infinity ? [...channels].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum)) : channels;
  const rest = order.slice(shown);
  const total = rest.reduce((sum, { sum: one }) => sum + one, 0);
  return [
    ...order.slice(0, shown).map((one) => window_times_kernel(one, channels.length > 1 ? `${noun} ${one.channel} of ${source}` : source, edge, format)),
    ...(rest.length ? [h("p", { class: "small number" }, `… and ${rest.length} more maps: ${signed(total)}`)] : []),
  ];
}

/** @param {ChannelTaps} one @param {string} source @param {string} edge @param {(value: number) => string} format */
function window_times_kernel({ taps, sum }, source, edge, format) {
  const all = taps.flat();
  const pixels = reach(all.map(({ pixel }) => pixel));
  const weights = reach(all.map(({ weight }) => weight));
  const grid = (/** @type {string} */ name, /** @type {(tap: import("#web/core/taps.js").Tap) => number} */ of, /** @type {number} */ most) =>
    h("table", { class: "grid" }, h("caption", { class: "small soft" }, name), h("tbody", {}, taps.map((line) =>
      h("tr", {}, line.map((tap) => h("td", { class: tap.inside || name === "filter" ? "number" : "number edge", style: paint(of(tap), most) }, tap.inside || name === "filter" ? format(of(tap)) : edge))))));
  return h("div", { class: "written scroll", tabindex: 0, role: "region", "aria-label": `${source}, written out` },
    h("span", { class: "small written-source" }, source),
    grid("window", (tap) => tap.pixel, pixels), h("span", { "aria-label": "times" }, "×"),
    grid("filter", (tap) => tap.weight, weights), h("span", { "aria-label": "sums to" }, "="),
    h("strong", { class: "number" }, signed(sum, format)));
}

/**
 * Weighted numbers as a list with bars to both sides.
 * @param {string} title @param {Item[]} items @param {number} [rest] @param {number} [rest_count]
 */
export function list(title, items, rest = 0, rest_count = 0) {
  const most = reach(items.map(({ product }) => product)) || 1;
  const line = (/** @type {string} */ name, /** @type {string} */ detail, /** @type {number} */ product) =>
    h("li", { class: "written-item" }, h("span", { class: "small" }, name), h("span", { class: "small soft number" }, detail),
      h("span", { class: "number" }, signed(product)),
      h("span", { class: `written-bar ${product < 0 ? "minus" : "plus"}`, style: `--share:${Math.min(1, Math.abs(product) / most)}` }));
  return h("div", {}, h("h3", {}, title), h("ol", { class: "written-list" },
    items.map(({ name, input, weight, product }) => line(name, `${short(input)} × ${short(weight)}`, product)),
    rest_count > 0 && line(`${rest_count} more`, "", rest)));
}

/** @param {{bias: number, sum: number, activation: string, value: number}} found */
export function ending({ bias, sum, activation, value }) {
  const lines = [["bias", signed(bias)], ["sum", short(sum)]];
  if (activation !== "linear" && activation !== "softmax") lines.push([`after ${activation}`, short(value)]);
  return h("dl", { class: "written-end number" }, lines.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text))));
}

/** @param {Pixel[]} pixels @param {number|null} winner @param {(value: number) => string} [format] how numbers are written */
export function window_table(pixels, winner, format = short) {
  const most = reach(pixels.map(({ value }) => value));
  const rows = [...new Set(pixels.map(({ row }) => row))];
  if (pixels.length > 100) return h("p", { class: "small" }, `The mean of all ${pixels.length} numbers of the map.`);
  return h("table", { class: "grid" }, h("caption", { class: "small soft" }, winner === null ? "window" : "window; the largest, marked ★, wins"),
    h("tbody", {}, rows.map((row) => h("tr", {}, pixels.map((pixel, index) => pixel.row === row &&
      h("td", { class: index === winner ? "number winner" : "number", style: paint(pixel.value, most) }, format(pixel.value) + (index === winner ? " ★" : "")))))));
}

/** @param {import("#web/core/terms.js").SoftmaxTerms} found @param {string[]} names @param {number} temperature @returns {Node[]} */
export function softmax_lines({ logits, exponentials, sum }, names, temperature) {
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]).slice(0, 5);
  const lines = [
    h("h3", {}, "Softmax"),
    h("p", { class: "small" }, "e to the power of each score (less the largest), divided by the sum of all:"),
    h("ol", { class: "written-list" }, order.map((k) =>
      h("li", { class: "written-item" }, h("span", { class: "small" }, names[k] ?? String(k)), h("span", { class: "small soft number" }, `score ${short(logits[k])}`),
        h("span", { class: "number" }, `${short(exponentials[k])} / ${short(sum)} = ${percent(exponentials[k] / sum)}`)))),
    temperature !== 1 && h("p", { class: "small softmax-temperature" }, `The answer at the top divides each score by ${short(temperature)} first, a temperature fitted on validation images so that the percentages mean what they say: ${names[order[0]]} then gets ${percent(probabilities_at(logits, temperature)[order[0]])}.`),
  ];
  return lines.filter((line) => line instanceof Node);
}

/** @param {number} value @param {(value: number) => string} [format] */
const signed = (value, format = short) => (value < 0 ? "−" : "+") + format(Math.abs(value));

/** The colour of the scale, with ink that can be read on it. @param {number} value @param {number} most */
function paint(value, most) {
  const colour = diverging(value, most);
  return `background:rgb(${colour.join(" ")});color:${ink_on(colour)}`;
}
