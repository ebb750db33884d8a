// An image file, upright, into a canvas of its size.

/** Larger photos are reduced to this before the contract's own reduction: a phone's memory is small. */
const MAX_SIDE = 2000;

/**
 * @param {File} file
 * @param {CanvasRenderingContext2D} context
 * @throws {Error} The browser cannot decode it.
 */
export async function draw_file(file, context) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const { canvas } = context;
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}
