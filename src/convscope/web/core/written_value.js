/**
 * One value of any layer, ready to be written out: what it reads, and a sum whose printed terms add up.
 *
 * @typedef {import("#web/core/session.js").Session} Session
 * @typedef {import("#web/core/focus.js").Focus} Focus
 * @typedef {import("#web/core/window_terms.js").ChannelTaps} ChannelTaps
 * @typedef {{name: string, text: string, strong?: boolean}} Line One line of a sum; `strong` for its result.
 *
 * @typedef {object} Written
 * @property {{index: number, layer: number, map: number, count: number}} source the input that is shown: which of the
 *     layer's inputs, its layer or -1 for the image, its map, and how many maps the value reads
 * @property {{map: number, amount: number}[]} parts what each input map adds; empty where nothing is summed over maps
 * @property {ChannelTaps | null} taps window × filter of the shown map
 * @property {string[] | null} products the printed products of `taps`, row by row
 * @property {import("#web/core/window_terms.js").Pixel[] | null} pixels the window of a pooling layer
 * @property {number | null} winner of `pixels`
 * @property {Line[]} lines
 */

import { kind_of } from "#web/core/layer_kinds.js";
import { input_indexes, value_at } from "#web/core/network.js";
import { short } from "#web/core/scale.js";
import { terms } from "#web/core/terms.js";
import { counted, word } from "#web/core/words.js";
import { digits_for, round_sum } from "#web/core/written_sum.js";

/** How many terms are written out, before the sum of the others. */
const WRITTEN = 3;

/**
 * @param {Session} session With activations.
 * @param {Focus} focus
 * @param {import("#web/layer_kind.d.ts").Names} names
 * @param {number} [map] the input map to show; by default the one that adds most
 * @returns {Written}
 */
export function written_value({ bundle: { network }, weights, activations }, { layer, row, column, channel }, names, map = -1) {
  if (!activations) throw new Error("Expected a computed image. Received: none.");
  const kind = kind_of(network.layers[layer]);
  const found = terms(network, weights, activations, layer, row, column, channel);
  const index = kind.strongest_input?.(found) ?? 0;
  const strongest = kind.strongest_channel?.(found) ?? channel;
  const source = { index, layer: input_indexes(network, layer)[index], map: strongest, count: 1 };
  /** @type {Written} */
  const written = { source, parts: [], taps: null, products: null, pixels: null, winner: null, lines: [] };
  if (found.kind === "convolution") return convolution(found, written, map);
  if (found.kind === "separable") return separable(found, written, map);
  if (found.kind === "dense") return dense(found, written, names);
  if (found.kind === "pooling") return pooling(found, written);
  if (found.kind === "sum") return { ...written, lines: addition(found.inputs.map((value, at) => ({ name: names.inputs[at], value }))) };
  return { ...written, lines: [{ name: "", text: kind.explain(found, names).equation, strong: true }] };
}

/** @type {(found: import("#web/layer_kind.d.ts").ConvolutionTerms, written: Written, map: number) => Written} */
function convolution(found, written, map) {
  const { channels, bias } = found;
  const taps = channels.find((one) => one.channel === map) ?? channels.find((one) => one.channel === written.source.map) ?? channels[0];
  const products = taps.taps.flat().map(({ product }) => product);
  const parts = channels.map(({ channel, sum }) => ({ map: channel, amount: sum }));
  const source = { ...written.source, map: taps.channel, count: channels.length };
  if (channels.length === 1) {
    const digits = digits_for([...products, bias], { least: 3, most: 6 });
    const sum = round_sum([...products, bias], digits);
    const lines = [
      { name: word("terms.count", { count: products.length }), text: sum.part(0, products.length) }, ...bias_line(bias, sum.terms[products.length]),
      { name: word("terms.sum"), text: sum.total, strong: true }, ...activation_line(found),
    ];
    return { ...written, source, parts, taps, products: sum.terms.slice(0, products.length), lines };
  }
  const { lines, text_of, digits } = sum_of_maps(parts, found, taps.channel, map_name(source));
  return { ...written, source, parts, taps, products: round_sum(products, digits, text_of(taps.channel)).terms, lines };
}

/** @type {(found: import("#web/layer_kind.d.ts").SeparableTerms, written: Written, map: number) => Written} */
function separable(found, written, map) {
  const { depthwise, pointwise } = found;
  const taps = depthwise.find((one) => one.channel === map) ?? depthwise.find((one) => one.channel === written.source.map) ?? depthwise[0];
  const parts = depthwise.map(({ channel }, at) => ({ map: channel, amount: pointwise[at].product }));
  const source = { ...written.source, map: taps.channel, count: depthwise.length };
  return { ...written, source, parts, taps, products: null, lines: sum_of_maps(parts, found, taps.channel, map_name(source)).lines };
}

/**
 * The three largest terms, with the one that is shown among them, the others, and the bias.
 * @param {{map: number, amount: number}[]} parts @param {import("#web/layer_kind.d.ts").Ending} ending @param {number} shown @param {(map: number) => string} name
 */
function sum_of_maps(parts, ending, shown, name) {
  const order = [...parts].sort((a, b) => Math.abs(b.amount) - Math.abs(a.amount));
  const first = order.slice(0, WRITTEN);
  const own = order.find(({ map }) => map === shown);
  if (own && !first.includes(own)) first[first.length - 1] = own;
  const others = order.filter((one) => !first.includes(one));
  const rest = others.reduce((sum, { amount }) => sum + amount, 0);
  const values = [...first.map(({ amount }) => amount), rest, ending.bias];
  const digits = digits_for(values, { least: 3, most: 6 });
  const sum = round_sum(values, digits);
  const lines = [
    ...first.map(({ map }, at) => ({ name: name(map), text: sum.terms[at] })),
    ...(others.length ? [{ name: counted("n.others", others.length), text: sum.terms[first.length] }] : []),
    ...bias_line(ending.bias, sum.terms[first.length + 1]),
    { name: word("terms.sum"), text: sum.total, strong: true }, ...activation_line(ending),
  ];
  return { lines, digits, text_of: (/** @type {number} */ map) => sum.terms[first.findIndex((one) => one.map === map)] };
}

/**
 * What to call an input map: the image's are its colors.
 * @param {{layer: number, count: number}} source
 * @returns {(map: number) => string}
 */
export function map_name({ layer, count }) {
  return (map) => (layer < 0 && count === 3 ? word(["name.red", "name.green", "name.blue"][map]) : word("name.map", { map }));
}

/** @type {(found: import("#web/layer_kind.d.ts").DenseTerms, written: Written, names: import("#web/layer_kind.d.ts").Names) => Written} */
function dense(found, written, names) {
  const { contributions, rest, rest_count, bias, softmax, value } = found;
  const first = contributions.slice(0, WRITTEN);
  const others = contributions.slice(WRITTEN).reduce((sum, { product }) => sum + product, rest);
  const count = rest_count + contributions.length - first.length;
  const sum = round_sum([...first.map(({ product }) => product), others, bias], 3);
  const lines = [
    ...first.map(({ index, input, weight }, at) => ({ name: `${names.origin(index)}: ${short(input)} × ${short(weight)}`, text: sum.terms[at] })),
    ...(count ? [{ name: counted("n.others", count), text: sum.terms[first.length] }] : []),
    ...bias_line(bias, sum.terms[first.length + 1]),
    { name: word(softmax ? "terms.logit_name" : "terms.sum"), text: sum.total, strong: true },
    ...(softmax ? [{ name: "softmax", text: short(value) }] : activation_line(found)),
  ];
  const parts = contributions.map(({ index, product }) => ({ map: index, amount: product }));
  return { ...written, source: { ...written.source, map: first[0]?.index ?? 0, count: contributions.length + rest_count }, parts, lines };
}

/** @type {(found: import("#web/layer_kind.d.ts").PoolingTerms, written: Written) => Written} */
function pooling({ pixels, winner, value }, written) {
  const values = pixels.map((one) => one.value);
  if (winner !== null) return { ...written, pixels, winner, lines: [{ name: word("terms.one_of", { count: pixels.length }), text: short(value), strong: true }] };
  const sum = round_sum(values, digits_for(values, { least: 3, most: 6 }));
  return { ...written, pixels, winner, lines: [{ name: word("terms.sum_of", { count: pixels.length }), text: sum.total }, { name: `÷ ${pixels.length}`, text: short(value), strong: true }] };
}

/** @param {{name: string, value: number}[]} terms_of @returns {Line[]} */
function addition(terms_of) {
  const values = terms_of.map(({ value }) => value);
  const sum = round_sum(values, digits_for(values, { least: 3, most: 6 }));
  return [...terms_of.map(({ name }, at) => ({ name, text: sum.terms[at] })), { name: word("terms.sum"), text: sum.total, strong: true }];
}

/** @type {(bias: number, text: string) => Line[]} */
const bias_line = (bias, text) => (bias === 0 ? [] : [{ name: word("terms.bias"), text }]);

/** @param {import("#web/layer_kind.d.ts").Ending} ending @returns {Line[]} */
const activation_line = ({ activation, value }) => (activation === "linear" || activation === "softmax" ? [] : [{ name: activation, text: short(value) }]);

/**
 * What the layers of the same column make of the value.
 *
 * @param {Session} session With activations.
 * @param {import("#web/core/columns.js").Column} column
 * @param {Focus} focus
 * @returns {Line[]} One for each later layer that changes values.
 */
export function later_lines({ bundle: { network }, activations }, column, { layer, row, column: at, channel }) {
  const later = column.layers.slice(column.layers.indexOf(layer) + 1).map((index) => ({ index, ...network.layers[index] }));
  const same = later.filter((one) => String(one.output_shape) === String(network.layers[layer].output_shape) && !kind_of(one).identity);
  return same.map(({ kind, config, index }) => {
    const value = activations ? value_at(activations.layers[index].output, row, at, channel) : 0;
    return { name: String(config.activation ?? kind), text: short(value) };
  });
}
