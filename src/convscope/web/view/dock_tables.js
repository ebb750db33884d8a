// Window, filter and products as tables, the parts of a sum as bars, and its lines.

import { largest_magnitude } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { map_name } from "#web/core/written_value.js";
import { fill, h } from "#web/view/dom.js";
import { paint } from "#web/view/terms.js";
import { line_colors } from "#web/view/theme.js";

/** @typedef {import("#web/core/written_value.js").Written} Written */
/** @typedef {import("#web/core/written_value.js").Line} Line */

const NUMBERED = 5; // wider windows show shades only

/**
 * @param {Written} written
 * @returns {Node[]}
 */
export function product_tables({ taps, products, pixels, winner }) {
  if (pixels) return pixels.length > 60 ? [] : [window_of(pixels, winner)];
  if (!taps) return [];
  const all = taps.taps.flat();
  const width = taps.taps[0].length;
  const plain = width > NUMBERED;
  const grid = (/** @type {string} */ name, /** @type {number[]} */ values, /** @type {string[]} */ texts, /** @type {boolean[]} */ edges) =>
    table(name, values, plain ? texts.map(() => "") : texts, width, edges);
  const inside = all.map((tap) => tap.inside);
  const everywhere = all.map(() => true);
  const result = [
    grid(word("terms.window"), all.map(({ pixel }) => pixel), all.map(({ pixel }) => compact(pixel)), inside), sign("×", word("terms.times")),
    grid(word("terms.filter"), all.map(({ weight }) => weight), all.map(({ weight }) => compact(weight)), everywhere),
  ];
  if (products) result.push(sign("=", word("terms.equals")), grid(word("terms.products"), all.map(({ product }) => product), products.map(bare), inside));
  return result;
}

/** @param {import("#web/core/window_terms.js").Pixel[]} pixels @param {number|null} winner */
function window_of(pixels, winner) {
  const width = pixels.filter(({ row }) => row === pixels[0].row).length;
  const made = table(word("terms.window"), pixels.map(({ value }) => value), width > NUMBERED ? pixels.map(() => "") : pixels.map(({ value }) => compact(value)), width, pixels.map(() => true));
  if (winner !== null) made.querySelectorAll("td")[winner]?.classList.add("winner");
  return made;
}

/** @param {string} name @param {number[]} values @param {string[]} texts @param {number} width @param {boolean[]} inside */
function table(name, values, texts, width, inside) {
  const most = largest_magnitude(values);
  const cell = (/** @type {number} */ at) => h("td", { class: inside[at] ? "number" : "number edge", style: paint(values[at], most), title: inside[at] ? null : word("terms.padding") }, texts[at]);
  const rows = Array.from({ length: Math.ceil(values.length / width) }, (_, row) => h("tr", {}, Array.from({ length: Math.min(width, values.length - row * width) }, (_, column) => cell(row * width + column))));
  return h("table", { class: texts[0] === "" ? "grid dock-grid dock-shades" : "grid dock-grid" }, h("caption", { class: "small soft" }, name), h("tbody", {}, rows));
}

/** @param {string} text @param {string} spoken */
const sign = (text, spoken) => h("span", { class: "dock-sign", "aria-label": spoken, role: "img" }, text);

/** Two digits, as short as possible: ".31", "−.05", "12.4". @param {number} value */
function compact(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  return bare(size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2));
}

/** Without the zero before the point, and with a real minus sign. @param {string} text */
const bare = (text) => (Number(text) === 0 ? "0" : text.replace(/^(-?)0\./, "$1.").replace("-", "−"));

/**
 * The lines of a sum, one number below the other.
 * @param {Line[]} lines
 */
export function sum_lines(lines) {
  return h("dl", { class: "dock-lines number" }, lines.map(({ name, text, strong }) => (name
    ? h("div", { class: strong ? "dock-total" : null }, h("dt", {}, name), h("dd", {}, text.replace(/^-/, "−")))
    : h("div", { class: "dock-equation" }, h("dd", {}, text)))));
}

/**
 * One bar for each map that a value reads: up adds, down subtracts. A click or the arrow keys show another map.
 * @param {(map: number) => void} choose
 */
export function part_bars(choose) {
  const canvas = h("canvas", { width: 360, height: 92 });
  const caption = h("span", { class: "small soft" });
  const element = h("div", { class: "dock-parts", tabindex: 0, role: "slider" }, canvas, caption);
  /** @type {Written["parts"]} */
  let parts = [];
  let shown = 0;
  let fixed = false;
  element.addEventListener("pointerdown", (event) => {
    const box = canvas.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * parts.length);
    if (!fixed && parts[at]) choose(parts[at].map);
  });
  element.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
    if (!step || fixed) return;
    event.preventDefault();
    choose(parts[(shown + step + parts.length) % parts.length].map);
  });

  function draw() {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const most = largest_magnitude(parts.map(({ amount }) => amount)) || 1;
    const [colors, wide, middle] = [line_colors(), canvas.width / parts.length, canvas.height / 2];
    context.clearRect(0, 0, canvas.width, canvas.height);
    parts.forEach(({ amount }, at) => {
      const tall = (Math.abs(amount) / most) * (middle - 3);
      context.fillStyle = amount < 0 ? colors.minus : colors.plus;
      context.globalAlpha = at === shown || fixed ? 1 : 0.6;
      context.fillRect(at * wide, amount < 0 ? middle : middle - tall, Math.max(wide - 1, 1), Math.max(tall, 1));
      if (at === shown && !fixed) {
        context.fillStyle = "#d4006a";
        context.fillRect(at * wide, canvas.height - 4, Math.max(wide - 1, 4), 4);
      }
    });
    context.globalAlpha = 1;
  }

  return {
    element,
    /** @param {Written} written @param {import("#web/core/network.js").Network} network */
    show({ parts: now, source, taps }, network) {
      parts = now;
      fixed = !taps;
      element.hidden = parts.length < 2;
      if (element.hidden) return;
      shown = Math.max(0, parts.findIndex(({ map }) => map === source.map));
      const layer = network.layers[source.layer]?.name ?? "";
      fill(caption, fixed ? word("terms.largest_of", { count: parts.length, all: source.count }) : word(source.layer < 0 ? "terms.channels" : "terms.maps", { count: parts.length, layer }));
      for (const [key, value] of Object.entries({ "aria-label": word(fixed ? "terms.largest" : "terms.shown"), "aria-valuemin": 0, "aria-valuemax": parts.length - 1, "aria-valuenow": shown, "aria-valuetext": fixed ? caption.textContent ?? "" : map_name(source)(source.map) })) element.setAttribute(key, String(value));
      draw();
    },
  };
}
