// An image file, upright.

/** Larger photos are reduced to this before the contract's own reduction: a phone's memory is small. */
const MAX_SIDE = 2000;

/**
 * @param {File} file
 * @returns {Promise<ImageBitmap>}
 * @throws {Error} The browser cannot decode it.
 */
export function decode_file(file) {
  return createImageBitmap(file, { imageOrientation: "from-image" });
}

/**
 * Give a canvas the size of an image, and draw it there.
 * @param {ImageBitmap} bitmap
 * @param {CanvasRenderingContext2D} context
 * @returns {import("#web/core/picture.js").AnyPicture} its pixels, RGBA
 */
export function draw_bitmap(bitmap, context) {
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const { canvas } = context;
  const width = (canvas.width = Math.max(1, Math.round(bitmap.width * scale)));
  const height = (canvas.height = Math.max(1, Math.round(bitmap.height * scale)));
  context.drawImage(bitmap, 0, 0, width, height);
  return { height, width, channels: 4, data: context.getImageData(0, 0, width, height).data };
}
