// Draw, or give a picture; beside it, the preprocessed input of the network.

import { encode_drawing, decode_strokes, encode_strokes } from "#web/core/drawing_code.js";
import { warnings_of } from "#web/core/ink_report.js";
import { newest } from "#web/core/newest.js";
import { extend, pad_size } from "#web/core/strokes.js";
import { word } from "#web/core/words.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { decode_file, draw_bitmap } from "#web/view/image_file.js";
import { pad_display } from "#web/view/pad_display.js";
import { pad_keys } from "#web/view/pad_keys.js";
import { pen } from "#web/view/pen.js";
import { picture_input } from "#web/view/picture_input.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/strokes.js").Point} Point */
/** @typedef {import("#web/core/strokes.js").Stroke} Stroke */

const REST = 250; // milliseconds without ink after which the pen rests

/**
 * Networks for gray images have a pad to draw on; for color, the pad is the picture.
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const shape = bundle.network.input_shape;
  const draws = shape[2] === 1;
  const digits = bundle.class_names.every((name) => /^\d$/.test(name));
  const size = pad_size(/** @type {any} */ (bundle.preprocessing));
  const canvas = h("canvas", draws
    ? { class: "pad", tabindex: 0, role: "application", "aria-label": word("pad.label") }
    : { class: "pad pad-picture", tabindex: 0, role: "button", "aria-label": word("pad.picture") });
  const display = pad_display(canvas, size, session.paper);
  const input = h("canvas", { class: "network-input", role: "img", "aria-label": word("pad.input") });
  const hint = h("span", { class: "pad-hint", "aria-hidden": "true" }, word(draws ? (digits ? "pad.hint_digit" : "pad.hint") : "pad.give"));
  const message = h("p", { class: "small soft", role: "status" });
  let told = "";
  const tell = (/** @type {string} */ text) => void (message.textContent = told = text);
  const outside = picture_input(element, read, tell);
  const cursor = draws ? pad_keys(canvas, { size, draw, tell }) : null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let resting;
  const answers = newest(answer, next_frame, () => (resting = setTimeout(() => (session.live = false), REST)));
  /** @type {Stroke[]} */
  let strokes = decode_strokes(store.get().picture) ?? [];
  /** @type {File|null} */
  let file = null; // the picture whose answer is due
  let mine = store.get().picture; // as this pad has set or read it
  let repainting = 0;

  const prepared = h("figure", {}, input, h("figcaption", { class: "small soft" }, word("pad.prepared")));
  fill(
    element,
    h("h2", {}, word(draws ? (digits ? "pad.draw_digit" : "pad.draw") : "pad.choose")),
    h("div", { class: "pad-pair" },
      h("figure", {}, h("span", { class: "framed" }, canvas, hint, cursor), h("figcaption", { class: "small soft" }, draws ? word("pad.drawing") : `${word("pad.give")}.`)),
      prepared),
    h("div", { class: "pad-buttons" },
      draws && h("button", { onclick: clear, "data-shortcut": "x" }, word("pad.clear"), h("span", { class: "key-hint" }, " (x)")),
      h("button", { onclick: outside.choose }, word("pad.open")),
      h("label", { for: "file", class: "visually-hidden" }, word("pad.file")), outside.input),
    message,
  );
  show();

  const pointers = draws ? pen(canvas, { size, draw }) : null;
  if (!draws) {
    canvas.addEventListener("click", outside.choose);
    canvas.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), outside.choose()));
  }

  /** @param {Point|null} from @param {Point} to */
  function draw(from, to) {
    if (!strokes.length) {
      answers.drop(); // of a picture
      file = null;
      display.blank();
    }
    if (told) tell("");
    extend(strokes, from, to, size);
    const begins = !session.live;
    session.live = true;
    clearTimeout(resting);
    if (!hint.hidden) hint.hidden = true;
    repainting ||= requestAnimationFrame(() => {
      repainting = 0;
      display.add(strokes);
    });
    if (begins) requestAnimationFrame(() => setTimeout(answers.ask)); // the first ink is shown before anything is computed
    else answers.ask();
  }

  /** The newest drawing or picture: State.picture follows when its answer is there. @param {() => boolean} current */
  async function answer(current) {
    if (file) return void (await answer_file(file, current));
    if (!strokes.length) return;
    const picture = encode_strokes(strokes);
    await session.prepare(picture, store.get().off);
    if (current()) choose(picture);
  }

  /** @param {File} chosen @param {() => boolean} current */
  async function answer_file(chosen, current) {
    const bitmap = await decode_file(chosen).catch(() => null);
    if (!current()) return;
    file = null;
    if (!bitmap) return tell(word("pad.unreadable", { name: chosen.name }));
    strokes = [];
    hint.hidden = true;
    const drawn = draw_bitmap(bitmap, display.context);
    canvas.style.aspectRatio = `${drawn.width} / ${drawn.height}`;
    const { pixels, report } = await session.engine.frame(drawn, bundle.preprocessing);
    const picture = encode_drawing(pixels.data);
    await session.prepare(picture, store.get().off);
    if (!current()) return;
    session.given = { picture, file: chosen };
    tell(warnings_of(report).map((text) => word("pad.note", { text })).join(" "));
    choose(picture);
    store.set({ tab: "network" });
  }

  /** @param {string} picture State.picture */
  function choose(picture) {
    mine = picture;
    store.set({ picture, row: -1, column: -1 });
    show_input();
  }

  /** @param {File} chosen */
  function read(chosen) {
    answers.drop();
    file = chosen;
    answers.ask();
  }

  function clear() {
    answers.drop();
    session.live = false; // nothing that is still due is shown
    strokes = [];
    file = null;
    tell("");
    choose("");
    show();
  }

  /** Show State.picture on the pad. */
  function show() {
    const drawing = mine.startsWith("d");
    hint.hidden = strokes.length > 0 || drawing || (!draws && session.selected !== null);
    if (session.selected && !strokes.length && (drawing || !draws)) display.picture(shape, session.selected);
    else display.blank();
    display.add(strokes);
    show_input();
  }
  function show_input() {
    prepared.hidden = !draws && !mine.startsWith("d"); // an image of the dataset is shown as it is
    paint_bytes(input, shape, session.selected ?? new Uint8Array(shape[0] * shape[1] * shape[2]).fill(session.paper));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture === old.picture || state.picture === mine) return;
      answers.drop();
      session.live = false;
      mine = state.picture;
      strokes = decode_strokes(mine) ?? [];
      file = null;
      tell("");
      show();
    },
    destroy() {
      cancelAnimationFrame(repainting);
      clearTimeout(resting);
      answers.drop();
      pointers?.destroy();
      outside.destroy();
    },
  };
}

/** A tab in the background has no frames. @returns {Promise<void>} */
const next_frame = () =>
  new Promise((resolve) => {
    requestAnimationFrame(() => resolve());
    setTimeout(resolve, 100);
  });
