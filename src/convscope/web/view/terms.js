// The tables and lists in which a value is written out.

import { softmax } from "#web/core/activations.js";
import { diverging, percent, largest_magnitude, short, text_color_on } from "#web/core/scale.js";
import { counted, word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";
import { is_dark } from "#web/view/theme.js";

/** @typedef {import("#web/core/window_terms.js").ChannelTaps} ChannelTaps */
/** @typedef {import("#web/core/window_terms.js").Pixel} Pixel */
/** @typedef {import("#web/layer_kind.d.ts").Part} Part */
/** @typedef {import("#web/layer_kind.d.ts").Item} Item */

const SHOWN = 3;

/**
 * One part of an explanation.
 * @param {Part} part
 * @param {import("#web/bundle.d.ts").Bundle} bundle
 * @returns {Node[]}
 */
export function show_part(part, { class_names, temperature }) {
  switch (part.type) {
    case "text": return [h("p", { class: "small" }, part.text)];
    case "windows": return window_tables(part.channels, part.source);
    case "products": return [list(part.title, part.items, part.rest, part.rest_count)];
    case "ending": return [ending(part.ending)];
    case "pixels": return [pixel_table(part.pixels, part.winner)];
    case "softmax": return softmax_lines(part.softmax, class_names, temperature);
  }
}

/**
 * Window × filter for the maps that contribute most, and one line for the rest.
 * @param {ChannelTaps[]} channels
 * @param {string} source name of the input
 * @param {{shown?: number, noun?: string, edge?: string, format?: (value: number) => string}} [style] how many maps,
 *     in their own order where all are shown; the key of the text that names one; the text of the padding; the number format
 * @returns {Node[]}
 */
export function window_tables(channels, source, { shown = SHOWN, noun = "name.map_of", edge = word("terms.edge"), format = short } = {}) {
  const order = shown < Infinity ? [...channels].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum)) : channels;
  const rest = order.slice(shown);
  const total = rest.reduce((sum, { sum: one }) => sum + one, 0);
  return [
    ...order.slice(0, shown).map((one) => window_times_kernel(one, channels.length > 1 ? word(noun, { map: one.channel, layer: source }) : source, edge, format)),
    ...(rest.length ? [h("p", { class: "small number" }, word("terms.more", { count: rest.length, total: signed(total) }))] : []),
  ];
}

/** @param {ChannelTaps} one @param {string} source @param {string} edge @param {(value: number) => string} format */
function window_times_kernel({ taps, sum }, source, edge, format) {
  const all = taps.flat();
  const pixels = largest_magnitude(all.map(({ pixel }) => pixel));
  const weights = largest_magnitude(all.map(({ weight }) => weight));
  const grid = (/** @type {"terms.window"|"terms.filter"} */ name, /** @type {(tap: import("#web/core/window_terms.js").Tap) => number} */ of, /** @type {number} */ most) =>
    h("table", { class: "grid" }, h("caption", { class: "small soft" }, word(name)), h("tbody", {}, taps.map((line) =>
      h("tr", {}, line.map((tap) => h("td", { class: tap.inside || name === "terms.filter" ? "number" : "number edge", style: paint(of(tap), most) }, tap.inside || name === "terms.filter" ? format(of(tap)) : edge))))));
  return h("div", { class: "terms scroll", tabindex: 0, role: "region", "aria-label": word("terms.with", { source }) },
    h("span", { class: "small terms-source" }, source),
    grid("terms.window", (tap) => tap.pixel, pixels), h("span", { "aria-label": word("terms.times") }, "×"),
    grid("terms.filter", (tap) => tap.weight, weights), h("span", { "aria-label": word("terms.equals") }, "="),
    h("strong", { class: "number" }, signed(sum, format)));
}

/**
 * Products as a list with bars.
 * @param {string} title @param {Item[]} items @param {number} [rest] @param {number} [rest_count]
 */
function list(title, items, rest = 0, rest_count = 0) {
  const most = largest_magnitude(items.map(({ product }) => product)) || 1;
  const line = (/** @type {string} */ name, /** @type {string} */ detail, /** @type {number} */ product) =>
    h("li", { class: "terms-item" }, h("span", { class: "small" }, name), h("span", { class: "small soft number" }, detail),
      h("span", { class: "number" }, signed(product)),
      h("span", { class: `terms-bar ${product < 0 ? "minus" : "plus"}`, style: `--fraction:${Math.min(1, Math.abs(product) / most)}` }));
  return h("div", {}, h("h3", {}, title), h("ol", { class: "terms-list" },
    items.map(({ name, input, weight, product }) => line(name, `${short(input)} × ${short(weight)}`, product)),
    rest_count > 0 && line(counted("n.others", rest_count), "", rest)));
}

/** @param {{bias: number, sum: number, activation: string, value: number}} found */
function ending({ bias, sum, activation, value }) {
  const lines = [[word("terms.bias"), signed(bias)], [word("terms.sum"), short(sum)]];
  if (activation !== "linear" && activation !== "softmax") lines.push([word("terms.after", { activation }), short(value)]);
  return h("dl", { class: "terms-end number" }, lines.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text))));
}

/** @param {Pixel[]} pixels @param {number|null} winner @param {(value: number) => string} [format] number format */
export function pixel_table(pixels, winner, format = short) {
  const most = largest_magnitude(pixels.map(({ value }) => value));
  const rows = [...new Set(pixels.map(({ row }) => row))];
  if (pixels.length > 100) return h("p", { class: "small" }, word(winner === null ? "terms.mean_all" : "terms.max_all", { count: pixels.length }));
  return h("table", { class: "grid" }, h("caption", { class: "small soft" }, word(winner === null ? "terms.window" : "terms.winner")),
    h("tbody", {}, rows.map((row) => h("tr", {}, pixels.map((pixel, index) => pixel.row === row &&
      h("td", { class: index === winner ? "number winner" : "number", style: paint(pixel.value, most) }, format(pixel.value) + (index === winner ? " ★" : "")))))));
}

/** @param {import("#web/core/activations.js").SoftmaxTerms} found @param {string[]} names @param {number} temperature @returns {Node[]} */
function softmax_lines({ logits, exponentials, sum }, names, temperature) {
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]).slice(0, 5);
  const lines = [
    h("h3", {}, "Softmax"),
    h("p", { class: "small" }, word("terms.softmax")),
    h("ol", { class: "terms-list" }, order.map((k) =>
      h("li", { class: "terms-item" }, h("span", { class: "small" }, names[k] ?? String(k)), h("span", { class: "small soft number" }, word("terms.logit", { value: short(logits[k]) })),
        h("span", { class: "number" }, `${short(exponentials[k])} / ${short(sum)} = ${percent(exponentials[k] / sum)}`)))),
    temperature !== 1 && h("p", { class: "small softmax-temperature" }, word("terms.temperature", { temperature: short(temperature), name: names[order[0]], chance: percent(softmax(logits, temperature)[order[0]]) })),
  ];
  return lines.filter((line) => line instanceof Node);
}

/** @param {number} value @param {(value: number) => string} [format] */
const signed = (value, format = short) => (value < 0 ? "−" : "+") + format(Math.abs(value));

/** The color of the scale, with readable text on it. @param {number} value @param {number} most */
export function paint(value, most) {
  const color = diverging(value, most, is_dark());
  return `background:rgb(${color.join(" ")});color:${text_color_on(color)}`;
}
