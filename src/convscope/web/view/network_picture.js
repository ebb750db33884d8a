// The network as one picture: every map of every layer, and the edges that carry the answer.

import { columns_of } from "#web/core/columns.js";
import { focus_of } from "#web/core/focus.js";
import { box_of, layout as lay_out } from "#web/core/network_layout.js";
import { column_heads } from "#web/view/column_heads.js";
import { fill, h } from "#web/view/dom.js";
import { network_canvases } from "#web/view/network_canvases.js";
import { network_marks } from "#web/view/network_marks.js";
import { network_painter } from "#web/view/network_painter.js";
import { class_cells } from "#web/view/class_cells.js";
import { pointing } from "#web/view/network_pointing.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/strongest_path.js").Node} MapNode */

const SHEET = { width: 690, height: 380 }; // pixels of a printed page
const NARROW = 600; // pixels: below it, layers are rows
const BESIDE = 22; // pixels to the right of the picture in which an edge to a bar may end
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
  const painter = network_painter(session, store, columns, {
    canvases, end_of,
    place: () => ({ layout, ratio, size: arranged }),
    hovered: () => pointer.edges(),
    describe: (path) => pointer.describe(path),
  });
  const { path, draw } = painter;
  const pointer = pointing(element, stage, { session, columns, store, layout: () => layout, changed: draw, legend, heads, pick, choose_class });

  const watch = new ResizeObserver(arrange);
  watch.observe(element);

  /** Called at once with the first size, and for every other one. */
  function arrange() {
    const box = printing ? SHEET : { width: element.clientWidth, height: Math.max(scroll.clientHeight - 2, 200) };
    const vertical = box.width < NARROW;
    const size = `${box.width} ${vertical || box.height} ${devicePixelRatio}`;
    if (!box.width || size === arranged) return;
    arranged = size;
    const scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    layout = lay_out(columns, box, { vertical, scale, class_width, classes_outside: !vertical && !printing && Boolean(class_point(0)) });
    if (layout.width > box.width) layout = lay_out(columns, box, { vertical, scale, class_width });
    element.classList.toggle("network-vertical", vertical);
    element.classList.toggle("network-wide", layout.width > box.width && !printing);
    stage.style.zoom = printing ? String(Math.min(1, box.width / layout.width)) : ""; // paper does not scroll
    ratio = Math.min(devicePixelRatio || 1, MOST_PIXELS / layout.width);
    stage.style.width = `${layout.width}px`;
    stage.style.height = `${layout.height}px`;
    painter.arrange();
    heads.arrange(layout);
    classes.arrange(layout.places[columns.length - 1]);
    paint();
    mark();
    draw();
  }

  function paint() {
    classes.show();
    painter.paint();
  }

  /** Where the bar of a class begins, in the picture's own pixels. @param {number} map */
  function end_of(map) {
    const point = class_point(map);
    const box = stage.getBoundingClientRect();
    return point && { x: Math.min(point.x - box.left - 4, layout.width + BESIDE), y: point.y - box.top };
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
    bars_moved: painter.bars_moved,
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
      painter.destroy();
    },
  };
}
