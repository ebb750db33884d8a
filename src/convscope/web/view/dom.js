// Creates elements. Texts become text nodes: nothing is parsed as HTML.

import { word } from "#web/core/words.js";

/** @typedef {Record<string, any>} Attributes */
/** @typedef {Node|string|number|null|undefined|false} Child */

/**
 * Make an HTML element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes] on… are listeners, true is an empty attribute, false and null are skipped
 * @param {...(Child|Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/**
 * Make an SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...(Child|Child[])} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function s(tag, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/**
 * Put other children into an element.
 * @param {Element} element
 * @param {...(Child|Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

/**
 * Change a text only where it differs: the same text again would cost a layout.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @template {Element} E
 * @param {E} element @param {Attributes} attributes @param {(Child|Child[])[]} children
 * @returns {E}
 */
function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...kept(children));
  return element;
}

/**
 * What the page shows when it cannot start.
 * @param {unknown} error
 * @returns {HTMLElement}
 */
export function error_message(error) {
  const message = error instanceof Error ? error.message : String(error);
  return h("main", { class: "broken", role: "alert" }, h("h1", {}, word("page.broken")), h("p", {}, message));
}

/** @param {(Child|Child[])[]} children @returns {(Node|string)[]} */
function kept(children) {
  const flat = /** @type {Child[]} */ (children.flat());
  return flat.filter((c) => c !== null && c !== undefined && c !== false).map((c) => (c instanceof Node ? c : String(c)));
}

/**
 * Draw an image of bytes into a canvas, one canvas pixel a pixel; CSS enlarges it.
 * @param {HTMLCanvasElement} canvas
 * @param {number[]} shape rows, columns, channels (1 or 3)
 * @param {Uint8Array|Uint8ClampedArray} data
 */
export function paint_bytes(canvas, shape, data) {
  const [height, width, channels] = shape;
  if (canvas.width !== width) canvas.width = width; // each assignment makes a new canvas
  if (canvas.height !== height) canvas.height = height;
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = data[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
