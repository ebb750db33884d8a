// Draw, drop or choose a picture; beside it, what the network sees of it.

import { encode_drawing } from "#web/core/lens.js";
import { preprocess } from "#web/core/preprocess.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { draw_file } from "#web/view/file.js";

/** @typedef {import("#web/core/state.js").State} State */

const SIDE = 280;
const STROKE = 20;
const SLOW = 40; // milliseconds: a network that takes longer waits until the pen rests, so that the stroke never stutters
const REST = 120;

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/lens.js").Lens} lens
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, lens, store) {
  const { bundle } = lens;
  const grey = bundle.network.input_shape[2] === 1;
  const canvas = h("canvas", { width: SIDE, height: SIDE, class: "pad", role: "img", "aria-label": "Drawing pad: draw with mouse, pen or finger" });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  const seen = h("canvas", { class: "seen", role: "img", "aria-label": "What the network sees" });
  const hint = h("span", { class: "pad-hint", "aria-hidden": "true" }, grey ? `Draw ${what(bundle.class_names)} with mouse, pen or finger` : "Drop a picture here");
  const message = h("p", { class: "small soft", role: "status" });
  const file = h("input", { type: "file", accept: "image/*", class: "unseen", id: "file", onchange: () => file.files?.[0] && read(file.files[0]) });
  /** @type {{x: number, y: number}|null} */
  let last = null;
  let waiting = 0;
  let took = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let resting;

  fill(
    element,
    h("h2", {}, grey ? `Draw ${what(bundle.class_names)}` : "Bring a picture"),
    h("div", { class: "pad-pair" },
      h("figure", {}, h("span", { class: "framed" }, canvas, hint), h("figcaption", { class: "small soft" }, grey ? "Your drawing" : "Your picture")),
      h("figure", {}, seen, h("figcaption", { class: "small soft" }, "What the network sees"))),
    h("div", { class: "pad-buttons" },
      grey && h("button", { onclick: clear, "data-shortcut": "x" }, "Clear (x)"),
      h("button", { onclick: () => file.click() }, "Open or take a picture"),
      h("label", { for: "file", class: "unseen" }, "Picture file"), file),
    message,
  );
  blank();
  show();
  setTimeout(warm_up, 500);

  canvas.addEventListener("pointerdown", (event) => {
    if (!grey) return;
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
    if (took > SLOW) resting = setTimeout(look, REST);
    else waiting ||= requestAnimationFrame(look);
  }

  function prepared() {
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return preprocess({ height: canvas.height, width: canvas.width, channels: 4, data }, /** @type {any} */ (bundle.preprocessing));
  }

  /** The first calls are slow until they are compiled, and a first stroke should not be. */
  function warm_up() {
    if (!store.get().picture.startsWith("d")) for (let i = 0; i < 3; i++) prepared();
  }

  function look() {
    waiting = 0;
    const began = performance.now();
    store.set({ picture: encode_drawing(prepared().data), row: -1, column: -1 });
    took = performance.now() - began;
  }

  /** @param {File} chosen */
  async function read(chosen) {
    try {
      await draw_file(chosen, context);
      message.textContent = "";
      look();
    } catch {
      message.textContent = `${chosen.name} cannot be read as a picture. Give a PNG, JPEG, GIF, WebP or BMP file.`;
    }
    file.value = "";
  }

  function blank() {
    canvas.width = canvas.height = SIDE;
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
  }

  function clear() {
    blank();
    hint.hidden = false;
    store.set({ picture: "", row: -1, column: -1 });
  }

  function show() {
    hint.hidden = store.get().picture.startsWith("d");
    const shape = bundle.network.input_shape;
    paint_bytes(seen, shape, lens.seen ?? new Uint8Array(shape[0] * shape[1] * shape[2]));
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

/** What can be drawn, in words. @param {string[]} names */
function what(names) {
  return names.every((name) => /^\d$/.test(name)) ? "a digit" : "something";
}
