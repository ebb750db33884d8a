// The network as one picture: every map of every layer, and the edges that carry the answer.

import { columns_of } from "#web/core/columns.js";
import { focus_of } from "#web/core/focus.js";
import { column_pixels } from "#web/core/map_pixels.js";
import { OLD } from "#web/core/network_drawing.js";
import { box_of, layout as lay_out } from "#web/core/network_layout.js";
import { contents_of } from "#web/core/results.js";
import { column_heads } from "#web/view/column_heads.js";
import { fill, h } from "#web/view/dom.js";
import { network_canvases } from "#web/view/network_canvases.js";
import { network_marks } from "#web/view/network_marks.js";
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
const REST = 300; // milliseconds after which edges are drawn to the bars where these are now, if the pen rests
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
  const canvases = network_canvases(session.engine);
  const heads = column_heads(network, columns, store);
  const marks = network_marks(network, columns);
  const classes = class_cells(session);
  const stage = h("div", { class: "network-stage" }, canvases.elements, classes.element, marks.elements, heads.elements);
  const scroll = h("div", { class: "network-scroll" }, stage);
  const legend = h("p", { class: "network-legend small soft" });
  fill(element, scroll, legend);
  let layout = lay_out(columns, { width: 100, height: 100 });
  let ratio = 1;
  let arranged = "";
  let printing = false;
  /** @type {({x: number, y: number}|null)[]|null} where edges to the bars end, until something moves: to ask again would cost a layout */
  let ends = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let resting;
  let due = 0; // the frame in which what the worker has drawn is shown
  let moved = false; // whether bars have moved since the worker has drawn the edges to them
  const path = path_of(session, store, columns, () => (is_live() ? pointer.describe(path) : draw()));
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
    ends = null;
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    layout = lay_out(columns, box, { vertical, scale, class_width, classes_outside: !vertical && !printing && Boolean(class_point(0)) });
    if (layout.width > box.width) layout = lay_out(columns, box, { vertical, scale, class_width });
    element.classList.toggle("network-vertical", vertical);
    element.classList.toggle("network-wide", layout.width > box.width && !printing);
    stage.style.zoom = printing ? String(Math.min(1, box.width / layout.width)) : ""; // paper does not scroll
    ratio = Math.min(devicePixelRatio || 1, MOST_PIXELS / layout.width);
    stage.style.width = `${layout.width}px`;
    stage.style.height = `${layout.height}px`;
    canvases.arrange(drawing(false));
    heads.arrange(layout);
    classes.arrange(layout.places[columns.length - 1]);
    paint();
    mark();
    draw();
  }

  /** @param {boolean} edges whether any are to be drawn @returns {import("#web/core/network_drawing.js").Stage} */
  function drawing(edges) {
    const beside = layout.places[columns.length - 1].width === 0; // edges to the bars end in the gap beside the picture
    if (edges) ends ??= beside ? session.bundle.class_names.map((_, k) => end_of(k)) : [];
    return { layout, ratio, margin: beside ? EDGE_MARGIN : 0, colors: line_colors(), ends: ends ?? [] };
  }

  /** What the worker is to compute with the activations. @returns {import("#web/core/results.js").Display} */
  function display() {
    const { layer, target } = store.get();
    const look = { ratio, dark: is_dark(), frame: line_colors().edge };
    const [stage, wanted] = [arranged && session.live && canvases.lent() ? drawing(true) : null, path.wanted()];
    return { key: `${arranged} ${layer} ${look.dark}`, places: layout.places, look, layer, target, edges: wanted, stage, drawn: wanted || !stage ? [] : path.edges() };
  }

  /** Whether the worker has drawn what is to be shown. */
  function is_live() {
    const { displayed } = session;
    return (canvases.shown() === "worker" || due) && !pointer.edges() && (displayed?.path ? displayed.path.path === path.edges() : !path.fresh());
  }

  function paint() {
    classes.show();
    const { displayed } = session;
    const ready = displayed?.key === display().key ? displayed : null;
    if (ready && !ready.columns && session.live) {
      // until the first frame of the worker has come, its canvases hold an earlier drawing
      if (canvases.shown() !== "worker") due ||= requestAnimationFrame(() => (due = requestAnimationFrame(() => ((due = 0), canvases.show("worker")))));
      return;
    }
    paint_maps(ready?.columns);
    if (take_due() || canvases.show("here") !== "here") draw();
  }
  /** Do not show what the worker has drawn last. @returns {boolean} whether it was to be shown */
  function take_due() {
    const taken = due !== 0;
    cancelAnimationFrame(due);
    due = 0;
    if (taken) canvases.show("here");
    return taken;
  }
  /** @param {import("#web/core/map_pixels.js").Pixels[]|null} [ready] */
  function paint_maps(ready) {
    const { layer, look } = display();
    canvases.draw_maps(ready ?? contents_of(session, columns, layer).map((content, index) => column_pixels(layout.places[index], content, look)));
  }

  /** All edges, in this thread; maps that the worker has drawn stay. */
  function draw() {
    moved = false;
    if (due) paint_maps();
    if (!take_due() && canvases.shown() === "worker") canvases.show("edges here");
    const hovered = pointer.edges();
    const groups = [{ edges: path.edges(), opacity: hovered ? 0.12 : path.fresh() ? 1 : OLD }];
    canvases.draw_edges(drawing(Boolean(hovered ?? path.edges().length)), hovered ? [...groups, { edges: hovered, opacity: 1 }] : groups);
    pointer.describe(path);
  }
  /** Edges lead to the bars where these are when the pen rests. */
  function rest() {
    if (session.live || due) resting = setTimeout(rest, REST);
    else if (moved) draw();
  }

  /** Where the bar of a class begins, in the picture's own pixels. @param {number} map */
  function end_of(map) {
    const point = class_point(map);
    const box = stage.getBoundingClientRect();
    return point && { x: Math.min(point.x - box.left - 4, layout.width + EDGE_MARGIN - 2), y: point.y - box.top };
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
    /** The bars may have moved. */
    bars_moved() {
      const before = JSON.stringify(ends);
      ends = null;
      if (before === "null" || JSON.stringify(drawing(true).ends) === before) return;
      if (canvases.shown() === "here" && !due) return draw();
      moved = true;
      clearTimeout(resting);
      resting = setTimeout(rest, session.live ? REST : 0);
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
      clearTimeout(resting);
      cancelAnimationFrame(due);
      path.stop();
      session.display = () => null;
    },
  };
}
