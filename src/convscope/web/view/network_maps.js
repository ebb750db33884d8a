// Puts the pixels of all maps of a network on a canvas.

/** @typedef {import("#web/core/map_pixels.js").Pixels} Pixels */

/** @param {CanvasRenderingContext2D} context */
export function map_painter(context) {
  /** @type {{x: number, y: number, image: ImageData}[]} */
  let shown = [];
  return {
    /** What `put` shows from now on. @param {Pixels[]} columns */
    take(columns) {
      shown = columns.flatMap(({ x, y, width, height, data }) => (data.length ? [{ x, y, image: new ImageData(new Uint8ClampedArray(data.buffer), width, height) }] : []));
    },
    put() {
      for (const { x, y, image } of shown) context.putImageData(image, x, y);
    },
  };
}
