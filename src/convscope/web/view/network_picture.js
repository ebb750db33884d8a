// The network as one picture: every map of every layer, and the edges that carry the answer.

import { columns_of } from "#web/core/columns.js";
import { focus_of } from "#web/core/focus.js";
import { column_pixels } from "#web/core/map_pixels.js";
import { box_of, layout as lay_out } from "#web/core/network_layout.js";
import { contents_of } from "#web/core/results.js";
import { column_heads } from "#web/view/column_heads.js";
import { fill, h } from "#web/view/dom.js";
import { draw_edges, draw_outlines } from "#web/view/network_edges.js";
import { network_marks } from "#web/view/network_marks.js";
import { map_painter } from "#web/view/network_maps.js";
import { path_of } from "#web/view/network_path.js";
import { class_cells } from "#web/view/class_cells.js";
import { pointing } from "#web/view/network_pointing.js";
import { is_dark, line_colors, on_theme } from "#web/view/theme.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */
/** @typedef {import("#web/core/strongest_path.js").Node} MapNode */

const SHEET = { width: 690, height: 380 }; // pixels of a printed page
const NARROW = 600; // pixels: below it, layers are rows
const EDGE_MARGIN = 24; // pixels between the picture and the bars
const MOST_PIXELS = 8192; // a canvas that is wider is not drawn by some browsers

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 * @param {{class_point: (map: number) => {x: number, y: number}|null, picked: (from: DOMRect, node: MapNode) => void}} options
 *     `class_point`: where the bar of a class is on the screen, if it lies to the right of the picture
 */
export function mount(element, session, store, { class_point, picked }) {
  const { network } = session.bundle;
  const columns = columns_of(network);
  const longest = Math.max(...session.bundle.class_names.map((name) => name.length));
  const class_width = Math.min(Math.max(34, 14 + 7 * longest), 120);
  const [edges, maps] = ["network-edges", "network-maps"].map((name) => h("canvas", { class: name, "aria-hidden": "true" }));
  const context = /** @type {CanvasRenderingContext2D} */ (edges.getContext("2d"));
  const painter = map_painter(maps);
  const heads = column_heads(network, columns, store);
  const marks = network_marks(network, columns);
  const classes = class_cells(session);
  const stage = h("div", { class: "network-stage" }, edges, maps, classes.element, marks.elements, heads.elements);
  const scroll = h("div", { class: "network-scroll" }, stage);
  const legend = h("p", { class: "network-legend small soft" });
  fill(element, scroll, legend);
  let layout = lay_out(columns, { width: 100, height: 100 });
  let ratio = 1;
  let arranged = "";
  let printing = false;
  /** @type {Map<number, {x: number, y: number}|null>} where edges to the bars end, until something moves: to ask again would cost a layout */
  const ends = new Map();
  const path = path_of(session, store, columns, draw);
  const pointer = pointing(element, stage, { session, columns, store, layout: () => layout, changed: draw, legend, heads, pick, choose_class });

  const watch = new ResizeObserver(arrange);
  watch.observe(element);
  const forget = on_theme(() => (paint(), draw()));
  session.display = display;

  /** Called at once with the first size, and for every other one. */
  function arrange() {
    const box = printing ? SHEET : { width: element.clientWidth, height: Math.max(scroll.clientHeight - 2, 200) };
    const vertical = box.width < NARROW;
    const size = `${box.width} ${vertical || box.height} ${devicePixelRatio}`;
    if (!box.width || size === arranged) return;
    arranged = size;
    ends.clear();
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    layout = lay_out(columns, box, { vertical, scale, class_width, classes_outside: !vertical && !printing && Boolean(class_point(0)) });
    if (layout.width > box.width) layout = lay_out(columns, box, { vertical, scale, class_width });
    element.classList.toggle("network-vertical", vertical);
    element.classList.toggle("network-wide", layout.width > box.width && !printing);
    stage.style.zoom = printing ? String(Math.min(1, box.width / layout.width)) : ""; // paper does not scroll
    ratio = Math.min(devicePixelRatio || 1, MOST_PIXELS / layout.width);
    stage.style.width = `${layout.width}px`;
    stage.style.height = `${layout.height}px`;
    for (const canvas of [edges, maps]) {
      canvas.width = Math.round((layout.width + (canvas === edges ? margin() : 0)) * ratio);
      canvas.height = Math.round(layout.height * ratio);
      canvas.style.width = `${canvas.width / ratio}px`;
      canvas.style.height = `${canvas.height / ratio}px`;
    }
    heads.arrange(layout);
    classes.arrange(layout.places[columns.length - 1]);
    paint();
    mark();
    draw();
  }

  /** Edges to the bars end in the gap beside the picture. */
  function margin() {
    return layout.places[columns.length - 1].width === 0 ? EDGE_MARGIN : 0;
  }

  /** What the worker is to compute with the activations. @returns {import("#web/core/results.js").Display} */
  function display() {
    const { layer, target } = store.get();
    const look = { ratio, dark: is_dark(), frame: line_colors().edge };
    return { key: `${arranged} ${layer} ${look.dark}`, places: layout.places, look, layer, target, edges: path.wanted() };
  }

  function paint() {
    classes.show();
    const now = display();
    const ready = session.displayed?.display.key === now.key ? session.displayed.columns : null;
    painter.paint(ready ?? contents_of(session, columns, now.layer).map((content, index) => column_pixels(layout.places[index], content, now.look)));
  }

  function draw() {
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, layout.width + EDGE_MARGIN, layout.height);
    draw_outlines(context, layout);
    const hovered = pointer.edges();
    draw_edges(context, layout, path.edges(), { end_of, opacity: hovered ? 0.12 : path.fresh() ? 1 : 0.45 });
    if (hovered) draw_edges(context, layout, hovered, { end_of });
    pointer.describe(path);
  }

  /** Where the bar of a class begins, in the picture's own pixels. @param {number} map */
  function end_of(map) {
    if (layout.places[columns.length - 1].width > 0) return null;
    const known = ends.get(map);
    if (known !== undefined) return known;
    const point = class_point(map);
    const box = stage.getBoundingClientRect();
    const end = point && { x: Math.min(point.x - box.left - 4, layout.width + EDGE_MARGIN - 2), y: point.y - box.top };
    ends.set(map, end);
    return end;
  }

  function mark() {
    marks.show(layout, focus_of(session, columns, store.get()), store.get().off);
  }

  /** @param {MapNode} node */
  function pick(node) {
    const column = columns[node.column];
    if (column.main < 0) return;
    const frame = box_of(layout.places[node.column], node.map);
    const box = stage.getBoundingClientRect();
    const flat = column.shape.length !== 3;
    store.set({ layer: column.main, channel: flat ? -1 : node.map, row: flat ? 0 : -1, column: flat ? node.map : -1 });
    picked(new DOMRect(box.left + frame.x, box.top + frame.y, frame.width, frame.height), node);
  }
  /** @param {number} target */
  function choose_class(target) {
    store.set({ target: store.get().target === target ? -1 : target });
  }

  return {
    /** The bars have moved. */
    redraw() {
      ends.clear();
      draw();
    },
    /** Fit a sheet of paper, or the screen again. @param {boolean} now */
    print(now) {
      printing = now;
      arrange();
    },
    /** @param {State} state @param {State} old */
    update(state, old) {
      const computed = state.picture !== old.picture || state.off !== old.off;
      if (computed || state.layer !== old.layer) paint();
      if (computed || state.target !== old.target) {
        pointer.forget();
        path.follow(state.picture !== old.picture);
      }
      if (["picture", "off", "layer", "channel", "row", "column", "target"].some((key) => state[/** @type {keyof State} */ (key)] !== old[/** @type {keyof State} */ (key)])) mark();
    },
    destroy() {
      watch.disconnect();
      forget();
      path.stop();
      session.display = () => null;
    },
  };
}
