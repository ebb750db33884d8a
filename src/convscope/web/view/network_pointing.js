// Points at maps of the network: hover, touch with a magnifier, arrow keys.

import { box_of, map_at } from "#web/core/network_layout.js";
import { sum_maps } from "#web/core/contributions.js";
import { short } from "#web/core/scale.js";
import { edges_from, edges_into, largest } from "#web/core/strongest_path.js";
import { fill, h } from "#web/view/dom.js";
import { magnifier } from "#web/view/magnifier.js";

/** @typedef {import("#web/core/strongest_path.js").Node} MapNode */
/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */
/** @typedef {import("#web/core/columns.js").Column} Column */
/** @typedef {import("#web/core/network_layout.js").Layout} Layout */

const SMALL = 0.01; // logits
const SHOWN = 24; // edges on each side of a map that is pointed at
const STEPS = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] });

/**
 * @param {HTMLElement} element
 * @param {HTMLElement} stage
 * @param {object} given
 * @param {import("#web/core/session.js").Session} given.session
 * @param {Column[]} given.columns
 * @param {import("#web/core/state.js").Store} given.store
 * @param {() => Layout} given.layout
 * @param {() => void} given.changed called when other edges are to be drawn
 * @param {HTMLElement} given.legend
 * @param {{focus: (column: number) => void, close: () => void}} given.heads
 * @param {(node: MapNode) => void} given.pick
 * @param {(target: number) => void} given.choose_class
 */
export function pointing(element, stage, { session, columns, store, layout, changed, legend, heads, pick, choose_class }) {
  /** @type {ReturnType<typeof import("#web/view/network_path.js").path_of>|null} */
  let path = null;
  /** @type {MapNode|null} */
  let at = null;
  /** @type {Edge[]|null} */
  let edges = null;
  const frame = h("span", { class: "frame pointed", hidden: true });
  const spoken = h("p", { class: "visually-hidden", "aria-live": "polite" });
  const help = h("p", { class: "visually-hidden", id: "network-help" }, "Arrow keys move among the layers and their maps. Enter selects a map. Arrow up from the first map reaches the name of the layer.");
  stage.append(frame);
  element.append(spoken, help);
  const loupe = magnifier(stage);
  for (const [name, value] of Object.entries({ role: "application", tabindex: "0", "aria-label": "Network", "aria-roledescription": "network", "aria-describedby": "network-help" })) stage.setAttribute(name, value);

  /** @param {MapNode|null} node */
  function point(node) {
    if (node?.column === at?.column && node?.map === at?.map) return;
    at = node;
    edges = null;
    frame.hidden = !at || layout().places[at.column].width === 0;
    if (at && !frame.hidden) {
      const box = box_of(layout().places[at.column], at.map);
      Object.assign(frame.style, { left: `${box.x - 2}px`, top: `${box.y - 2}px`, width: `${box.width + 4}px`, height: `${box.height + 4}px` });
      if (session.activations) edges = [...largest(edges_into(session, columns, at), SHOWN), ...largest(edges_from(session, columns, at), SHOWN)];
    }
    changed();
  }
  /** @param {PointerEvent} event @param {number} [reach] */
  function under(event, reach) {
    const box = stage.getBoundingClientRect();
    return map_at(layout(), columns, event.clientX - box.left, event.clientY - box.top, reach);
  }

  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") return point(under(event));
    if (!event.buttons) return;
    const node = under(event, 22);
    point(node);
    if (node) loupe.show(node, layout(), caption(node));
  });
  stage.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Element && event.target.closest("button, .column-layers")) return;
    heads.close();
    const node = under(event, event.pointerType === "mouse" ? 6 : 22);
    point(node);
    if (node && event.pointerType !== "mouse") loupe.show(node, layout(), caption(node));
  });
  stage.addEventListener("pointerup", (event) => {
    if (event.target instanceof Element && event.target.closest("button, .column-layers")) return;
    const node = at;
    loupe.hide();
    if (event.pointerType !== "mouse") point(null);
    if (node && (event.pointerType !== "mouse" || event.button === 0)) select(node);
  });
  for (const name of /** @type {const} */ (["pointerleave", "pointercancel"])) stage.addEventListener(name, () => (loupe.hide(), point(null)));
  stage.addEventListener("focus", () => stage.matches(":focus-visible") && move(0, 0));
  stage.addEventListener("blur", () => point(null));
  stage.addEventListener("keydown", (event) => {
    if (event.target !== stage) return head_key(event);
    if (event.key === "Enter" || event.key === " ") {
      if (at) select(at);
    } else if (STEPS[event.key]) move(...STEPS[event.key]);
    else return;
    event.preventDefault();
  });

  /** @param {MapNode} node */
  function select(node) {
    if (node.column === columns.length - 1) choose_class(node.map);
    pick(node);
  }
  /** @param {number} down @param {number} right */
  function move(down, right) {
    const { places, vertical } = layout();
    const from = at ?? { column: 1, map: 0 };
    if (down === 0 && right === 0) return speak(from);
    const { across, cells, values } = places[from.column];
    const cell = Math.floor(from.map / values);
    const [row, column] = [Math.floor(cell / across), cell % across];
    const [next_row, next_column] = [row + down, column + right];
    const last_row = Math.ceil(cells / across) - 1;
    const leaves = vertical ? (next_row < 0 ? -1 : next_row > last_row ? 1 : 0) : next_column < 0 ? -1 : next_column >= across ? 1 : 0;
    if (!vertical && next_row < 0) return heads.focus(from.column);
    if (leaves) return speak(neighbor(from, leaves, row / (last_row + 1)));
    const inside = Math.min(Math.max(next_row, 0), last_row) * across + Math.min(Math.max(next_column, 0), across - 1);
    speak({ column: from.column, map: Math.min(inside, cells - 1) * values });
  }
  /** The map beside, in the next column. @param {MapNode} from @param {number} step @param {number} height 0..1 */
  function neighbor(from, step, height) {
    const column = Math.min(Math.max(from.column + step, 0), columns.length - 1);
    if (column === from.column) return from;
    const { across, cells, values } = layout().places[column];
    const rows = Math.ceil(cells / across);
    const cell = Math.min(Math.round(height * rows), rows - 1) * across + (step < 0 ? across - 1 : 0);
    return { column, map: Math.min(Math.min(cell, cells - 1) * values, columns[column].maps - 1) };
  }
  /** @param {MapNode} node */
  function speak(node) {
    point(node);
    spoken.textContent = caption(node);
    const { places } = layout();
    const box = box_of(places[node.column], node.map);
    const view = stage.parentElement;
    if (view && (box.x < view.scrollLeft || box.x + box.width > view.scrollLeft + view.clientWidth)) view.scrollLeft = box.x - view.clientWidth / 2;
  }
  /** @param {KeyboardEvent} event */
  function head_key(event) {
    const head = event.target instanceof HTMLElement ? event.target.closest(".column-head") : null;
    if (!head) return;
    const index = [...stage.querySelectorAll(".column-head")].indexOf(head);
    if (event.key === "ArrowDown") stage.focus(), speak({ column: index, map: 0 });
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") heads.focus(Math.min(Math.max(index + (event.key === "ArrowLeft" ? -1 : 1), 0), columns.length - 1));
    else return;
    event.preventDefault();
  }

  /** @param {MapNode} node */
  function name(node) {
    const { main, shape } = columns[node.column];
    if (main < 0) return "The image";
    const row = session.bundle.network.layers[main];
    if (node.column === columns.length - 1) return `Class ${session.bundle.class_names[node.map] ?? node.map}`;
    return `${row.kind}, ${shape.length === 3 ? "map" : "unit"} ${node.map} of ${columns[node.column].maps}`;
  }
  /** @param {MapNode} node */
  function caption(node) {
    const share = share_of(node);
    return `${name(node)}${share}`;
  }
  /** What the map adds to the class's logit. @param {MapNode} node */
  function share_of(node) {
    const found = path?.found();
    const { tail, maps } = columns[node.column];
    if (!found || !session.activations || node.column === columns.length - 1) return "";
    const values = tail < 0 || node.column === 0 ? session.activations.image.data : session.activations.layers[tail].output.data;
    const amount = node.column === 0 ? sum_maps(values, found.at_image, 1)[0] : sum_maps(values, found.at_output[tail], maps)[node.map];
    if (Math.abs(amount) < SMALL) return ` · changes the logit of ${class_name()} by less than ${SMALL}`;
    return ` · ${amount < 0 ? "lowers" : "raises"} the logit of ${class_name()} by ${short(Math.abs(amount))}`;
  }
  function class_name() {
    const { target } = store.get();
    const logits = session.activations?.logits ?? new Float32Array(1);
    return session.bundle.class_names[target >= 0 && target < logits.length ? target : logits.indexOf(Math.max(...logits))];
  }

  return {
    edges: () => edges,
    forget() {
      edges = null;
      const now = at;
      at = null;
      if (now && stage.matches(":hover, :focus-visible")) setTimeout(() => point(now), 200);
    },
    /** The line below the picture. @param {ReturnType<typeof import("#web/view/network_path.js").path_of>} now */
    describe(now) {
      path = now;
      if (at) fill(legend, caption(at));
      else if (!session.activations) fill(legend, "Every map of every layer.");
      else fill(legend, "Edges: ", h("span", { class: "legend-plus" }, "orange"), " raises the logit of ", h("b", {}, class_name()), ", ", h("span", { class: "legend-minus" }, "blue"), element.classList.contains("network-wide") ? ` lowers it. Scroll sideways: the network has ${columns.length} columns.` : " lowers it. Point at a map to see what it reads.");
    },
  };
}
