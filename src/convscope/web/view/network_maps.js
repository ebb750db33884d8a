// Puts the pixels of all maps of a network on one canvas.

/** @typedef {import("#web/core/map_pixels.js").Pixels} Pixels */

/** @param {HTMLCanvasElement} canvas */
export function map_painter(canvas) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  return {
    /** @param {Pixels[]} columns */
    paint(columns) {
      for (const { x, y, width, height, data } of columns) {
        if (data.length) context.putImageData(new ImageData(new Uint8ClampedArray(data.buffer), width, height), x, y);
      }
    },
  };
}
