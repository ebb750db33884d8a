// The images that excite a map most, and the place in each.

import { numbers } from "#web/core/packed.js";
import { trace } from "#web/core/receptive_field.js";

/** @typedef {import("#web/bundle.d.ts").Bundle} Bundle */
/** @typedef {import("#web/core/conv_arithmetic.js").Span} Span */
/** @typedef {{entry: number, row: number, column: number, value: number, span: Span|null}} TopImage
 * `span` is what the value depends on in the image. */
/** @typedef {{layer: number, convolution: string, images: TopImage[], best: number, examined: number}} TopImages
 * `layer` is where the values are, after the normalization and activation that follow the convolution. */

/**
 * @param {Bundle} bundle
 * @param {number} layer the convolution, or a layer up to the activation that follows it
 * @param {number} channel
 * @returns {TopImages|null} null for other layers, other channels, and pages of older versions
 */
export function top_images({ network, top_images: by_name }, layer, channel) {
  const found = network.layers.flatMap((row, at) => {
    const own = at <= layer && by_name?.[row.name];
    const output = own ? network.layers.findIndex(({ name }) => name === own.output) : -1;
    return own && layer <= output ? [{ row, own, output }] : [];
  }).at(-1);
  if (!found) return null;
  const { row, own, output } = found;
  const [maps, count] = own.entries.shape;
  if (channel < 0 || channel >= maps) return null;
  const [entries, places, values, best] = [own.entries, own.places, own.values, own.best].map(numbers);
  const width = network.layers[output].output_shape[1];
  const images = Array.from({ length: count }, (_, at) => {
    const place = places[channel * count + at];
    const [r, c] = [Math.floor(place / width), place % width];
    return { entry: entries[channel * count + at], row: r, column: c, value: values[channel * count + at], span: trace(network, output, r, c)[0] };
  });
  return { layer: output, convolution: row.name, images, best: best[channel], examined: own.examined };
}
