// Which pixels an output depends on: of the layer's input, and back through every layer to the image.

import { tap_positions, window_of } from "#web/core/conv_arithmetic.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { input_indexes } from "#web/core/network.js";

/** @typedef {import("#web/core/network.js").LayerRow} LayerRow */
/** @typedef {import("#web/core/network.js").Network} Network */
/** @typedef {import("#web/core/conv_arithmetic.js").Span} Span */

/**
 * The rows and columns of a layer's input that some of its outputs depend on, clipped to the input.
 *
 * @param {LayerRow} row
 * @param {Span} span Of the output; of no meaning where it has no rows and columns.
 * @returns {Span | null} The smallest span that holds every tap; null when the input has no rows and columns, or only
 *     padding is read. An output without rows and columns depends on the whole input.
 */
export function input_span(row, span) {
  const [height, width] = row.input_shape;
  if (row.input_shape.length !== 3) return null;
  if (row.output_shape.length !== 3) return { r0: 0, r1: height - 1, c0: 0, c1: width - 1 };
  const own = kind_of(row).input_span;
  if (own) return own(row, span);
  if (!window_of(row)) return span;
  const [rows, columns] = [pixels_read(row, 0, span.r0, span.r1), pixels_read(row, 1, span.c0, span.c1)];
  return rows && columns && { r0: rows[0], r1: rows[1], c0: columns[0], c1: columns[1] };
}

/**
 * The pixels of each layer, back to the image, that one output pixel depends on.
 *
 * @param {Network} network
 * @param {number} layer_index
 * @param {number} r Row of the layer's output; of no meaning where it has no rows.
 * @param {number} c Column of the layer's output.
 * @returns {(Span | null)[]} `layer_index + 2` entries: the image at 0, the output of layer `k` at `k + 1`. Null where
 *     there are no rows and columns, where only padding is read, and for layers that the pixel does not depend on.
 * @throws {Error} There is no such layer or pixel.
 */
export function trace(network, layer_index, r, c) {
  const last = network.layers[layer_index];
  const flat = last?.output_shape.length !== 3;
  if (!last || (!flat && !(r >= 0 && r < last.output_shape[0] && c >= 0 && c < last.output_shape[1]))) {
    throw new Error(`Expected a pixel of the network's layers. Received: layer ${layer_index}, row ${r}, column ${c}.`);
  }
  /** @type {(Span | null)[]} */
  const spans = Array(layer_index + 2).fill(null);
  const reached = new Set([layer_index]);
  if (!flat) spans[layer_index + 1] = { r0: r, r1: r, c0: c, c1: c };
  for (let index = layer_index; index >= 0; index -= 1) {
    if (!reached.has(index)) continue;
    const row = network.layers[index];
    const seen = spans[index + 1];
    const span = row.output_shape.length !== 3 ? input_span(row, NOWHERE) : seen && input_span(row, seen);
    for (const source of input_indexes(network, index)) {
      reached.add(source);
      spans[source + 1] = union(spans[source + 1], span);
    }
  }
  return spans;
}

const NOWHERE = { r0: 0, r1: 0, c0: 0, c1: 0 };

/** @type {(one: Span | null, other: Span | null) => Span | null} */
function union(one, other) {
  if (!one || !other) return one ?? other;
  return {
    r0: Math.min(one.r0, other.r0), r1: Math.max(one.r1, other.r1),
    c0: Math.min(one.c0, other.c0), c1: Math.max(one.c1, other.c1),
  };
}

/** The first and the last. @type {(row: LayerRow, axis: 0 | 1, first: number, last: number) => [number, number] | null} */
function pixels_read(row, axis, first, last) {
  const read = [];
  for (let output = first; output <= last; output += 1) {
    read.push(...tap_positions(row, axis, output).filter((at) => at >= 0 && at < row.input_shape[axis]));
  }
  return read.length ? [Math.min(...read), Math.max(...read)] : null;
}
