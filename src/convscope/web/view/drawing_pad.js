// Draw, drop or choose an image; beside it, the preprocessed input of the network.

import { encode_drawing } from "#web/core/session.js";
import { warnings_of } from "#web/core/ink_report.js";
import { frame } from "#web/core/preprocess.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { draw_file } from "#web/view/image_file.js";

/** @typedef {import("#web/core/state.js").State} State */

const SIDE = 280;
const STROKE = 20;
const SLOW = 40; // milliseconds: slower networks run when the pen rests, so that drawing stays smooth
const REST = 120; // milliseconds

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const gray = bundle.network.input_shape[2] === 1;
  const canvas = h("canvas", { width: SIDE, height: SIDE, class: "pad", role: "img", "aria-label": "Drawing pad: draw with mouse, pen or finger" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  const input = h("canvas", { class: "network-input", role: "img", "aria-label": "Network input" });
  const hint = h("span", { class: "pad-hint", "aria-hidden": "true" }, gray ? `Draw ${subject(bundle.class_names)} with mouse, pen or finger` : "Drop an image here");
  const message = h("p", { class: "small soft", role: "status" });
  const file = h("input", { type: "file", accept: "image/*", class: "visually-hidden", id: "file", onchange: () => file.files?.[0] && read(file.files[0]) });
  /** @type {{x: number, y: number}|null} */
  let last = null;
  let waiting = 0;
  let took = 0;
  let photo = false; // whether the canvas shows a file
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let resting;

  fill(
    element,
    h("h2", {}, gray ? `Draw ${subject(bundle.class_names)}` : "Choose an image"),
    h("div", { class: "pad-pair" },
      h("figure", {}, h("span", { class: "framed" }, canvas, hint), h("figcaption", { class: "small soft" }, gray ? "Drawing" : "Image")),
      h("figure", {}, input, h("figcaption", { class: "small soft" }, "Network input (preprocessed)"))),
    h("div", { class: "pad-buttons" },
      gray && h("button", { onclick: clear, "data-shortcut": "x" }, "Clear (x)"),
      h("button", { onclick: () => file.click() }, "Open or take a photo"),
      h("label", { for: "file", class: "visually-hidden" }, "Image file"), file),
    message,
  );
  blank();
  show();
  setTimeout(warm_up, 500);

  canvas.addEventListener("pointerdown", (event) => {
    if (!gray) return;
    canvas.setPointerCapture(event.pointerId);
    if (!store.get().picture.startsWith("d")) blank();
    last = null;
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const between = event.getCoalescedEvents?.() ?? [];
    (between.length ? between : [event]).forEach(stroke);
  });
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    const dropped = event.dataTransfer?.files[0];
    if (dropped) read(dropped);
  });

  /** @param {PointerEvent} event */
  function stroke(event) {
    hint.hidden = true;
    const box = canvas.getBoundingClientRect();
    const point = { x: ((event.clientX - box.left) * canvas.width) / box.width, y: ((event.clientY - box.top) * canvas.height) / box.height };
    const from = last ?? { x: point.x - 0.1, y: point.y };
    context.lineWidth = STROKE;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = "#fff";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(point.x, point.y);
    context.stroke();
    last = point;
    clearTimeout(resting);
    if (took > SLOW) resting = setTimeout(predict, REST);
    else waiting ||= requestAnimationFrame(predict);
  }

  function prepared() {
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return frame({ height: canvas.height, width: canvas.width, channels: 4, data }, /** @type {any} */ (bundle.preprocessing), { photo });
  }

  /** Compile before the first stroke. */
  function warm_up() {
    if (!store.get().picture.startsWith("d")) for (let i = 0; i < 3; i++) prepared();
  }

  function predict() {
    waiting = 0;
    const began = performance.now();
    const { pixels, report } = prepared();
    message.textContent = warnings_of(report).map((text) => `Note: ${text}.`).join(" ");
    store.set({ picture: encode_drawing(pixels.data), row: -1, column: -1 });
    took = performance.now() - began;
  }

  /** @param {File} chosen */
  async function read(chosen) {
    try {
      await draw_file(chosen, context);
      photo = true;
      predict();
    } catch {
      message.textContent = `${chosen.name} cannot be read as an image. Use a PNG, JPEG, GIF, WebP or BMP file.`;
    }
    file.value = "";
  }

  function blank() {
    photo = false;
    canvas.width = canvas.height = SIDE;
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
  }

  function clear() {
    blank();
    hint.hidden = false;
    message.textContent = "";
    store.set({ picture: "", row: -1, column: -1 });
  }

  function show() {
    hint.hidden = store.get().picture.startsWith("d");
    const shape = bundle.network.input_shape;
    paint_bytes(input, shape, session.selected ?? new Uint8Array(shape[0] * shape[1] * shape[2]));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture === old.picture) return;
      if (!state.picture.startsWith("d") && old.picture.startsWith("d")) blank();
      show();
    },
    destroy() {
      cancelAnimationFrame(waiting);
      clearTimeout(resting);
    },
  };
}

/** What to draw. @param {string[]} names */
function subject(names) {
  return names.every((name) => /^\d$/.test(name)) ? "a digit" : "something";
}
