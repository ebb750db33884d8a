// Points at maps of the network: hover, touch with a magnifier, arrow keys.

import { box_of, map_at } from "#web/core/network_layout.js";
import { edges_from, edges_into, largest } from "#web/core/strongest_path.js";
import { word, word_parts } from "#web/core/words.js";
import { fill, h, write } from "#web/view/dom.js";
import { magnifier } from "#web/view/magnifier.js";
import { map_captions } from "#web/view/map_captions.js";
import { network_keys } from "#web/view/network_keys.js";

/** @typedef {import("#web/core/strongest_path.js").Node} MapNode */
/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */
/** @typedef {import("#web/core/columns.js").Column} Column */
/** @typedef {import("#web/core/network_layout.js").Layout} Layout */

const SHOWN = 24; // edges on each side of a map that is pointed at

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
  const help = h("p", { class: "visually-hidden", id: "network-help" }, word("network.help"));
  stage.append(frame);
  element.append(spoken, help);
  const loupe = magnifier(stage);
  const captions = map_captions(session, store, columns);
  for (const [name, value] of Object.entries({ role: "application", tabindex: "0", "aria-label": word("tab.network"), "aria-roledescription": word("network.role"), "aria-describedby": "network-help" })) stage.setAttribute(name, value);

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
    if (node) loupe.show(node, layout(), captions.of(node, path));
  });
  stage.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Element && event.target.closest("button, .column-layers")) return;
    heads.close();
    const node = under(event, event.pointerType === "mouse" ? 6 : 22);
    point(node);
    if (node && event.pointerType !== "mouse") loupe.show(node, layout(), captions.of(node, path));
  });
  stage.addEventListener("pointerup", (event) => {
    if (event.target instanceof Element && event.target.closest("button, .column-layers")) return;
    const node = at;
    loupe.hide();
    if (event.pointerType !== "mouse") point(null);
    if (node && (event.pointerType !== "mouse" || event.button === 0)) select(node);
  });
  for (const name of /** @type {const} */ (["pointerleave", "pointercancel"])) stage.addEventListener(name, () => (loupe.hide(), point(null)));
  stage.addEventListener("focus", () => stage.matches(":focus-visible") && keys.enter());
  stage.addEventListener("blur", () => point(null));
  const keys = network_keys(stage, { columns, layout, heads, at: () => at, speak, select });

  /** @param {MapNode} node */
  function select(node) {
    if (node.column === columns.length - 1) choose_class(node.map);
    pick(node);
  }
  /** @param {MapNode} node */
  function speak(node) {
    point(node);
    spoken.textContent = captions.of(node, path);
    const { places } = layout();
    const box = box_of(places[node.column], node.map);
    const view = stage.parentElement;
    if (view && (box.x < view.scrollLeft || box.x + box.width > view.scrollLeft + view.clientWidth)) view.scrollLeft = box.x - view.clientWidth / 2;
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
      if (at || !session.activations) {
        delete legend.dataset.shown;
        write(legend, at ? captions.of(at, path) : word("network.every"));
      } else {
        const orange = h("span", { class: "legend-plus" }, word("network.orange"));
        const blue = h("span", { class: "legend-minus" }, word("network.blue"));
        const key = element.classList.contains("network-wide") ? "network.legend_wide" : "network.legend";
        const text = `${key} ${captions.class_name()}`;
        if (legend.dataset.shown === text) return; // this runs for every frame of a drawing
        fill(legend, word_parts(key, { orange, blue, name: h("b", {}, captions.class_name()), count: String(columns.length) }));
        legend.dataset.shown = text;
      }
    },
  };
}
