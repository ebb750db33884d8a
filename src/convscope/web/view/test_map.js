// The map of the test images: one point for each, mistakes marked, the selected image or drawing among them.

import { count } from "#web/core/scale.js";
import { picture_title } from "#web/core/captions.js";
import { COLORS, mark_of, ring } from "#web/core/marks.js";
import { nearest_point, next_point, read_test_map } from "#web/core/test_map.js";
import { part_name, word } from "#web/core/words.js";
import { fill, h, s } from "#web/view/dom.js";
import { tiles } from "#web/view/image_tile.js";

/** @typedef {import("#web/core/session.js").Session} Session */
/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/state.js").Store} Store */
/** @typedef {import("#web/core/test_map.js").Point} Point */

const [SIZE, EDGE, SMALL, LARGE, REACH] = [640, 22, 2.6, 5, 0.03];

/**
 * @param {HTMLElement} element
 * @param {Session} session
 * @param {Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const map = read_test_map(bundle);
  element.hidden = !map;
  if (!map) return { update() {}, destroy() {} };
  const { points, place } = map;
  const openable = points.filter(({ entry }) => entry >= 0);
  const height = Math.max(...points.map(({ y }) => y)) - Math.min(...points.map(({ y }) => y));
  const top = Math.min(...points.map(({ y }) => y));
  const at = (/** @type {{x: number, y: number}} */ p) => [EDGE + p.x * SIZE, EDGE + (p.y - top) * SIZE];
  const [wide, tall] = [SIZE + 2 * EDGE, Math.max(height * SIZE, 60) + 2 * EDGE];

  const here = s("g", { class: "test-map-here" }, s("path", {}), s("text", { y: -14, "text-anchor": "middle" }, word("map.here")));
  const chosen = s("path", { class: "test-map-chosen" });
  const drawing = s("svg", { class: "test-map", viewBox: `0 0 ${wide} ${tall}`, tabindex: 0, role: "application", "aria-roledescription": word("map.axis"),
    "aria-label": word("map.keyboard", { count: count(points.length) }) },
    class_groups(bundle.class_names, points, at), mistakes_of(points, at), names_of(bundle.class_names, points, at), chosen, here);
  const detail = h("div", { class: "test-map-detail", "aria-live": "polite" });
  const legend = h("div", { class: "test-map-legend", role: "group", "aria-label": word("map.highlight") }, bundle.class_names.map(legend_button));
  let selected = -1;
  fill(element, h("h2", {}, word("map.title")), h("p", { class: "small soft" }, summary(bundle, points)),
    h("div", { class: "test-map-layout" }, h("div", {}, drawing, legend), detail));
  explain(null);
  move_here();

  drawing.addEventListener("pointermove", (event) => point_at(event, false));
  drawing.addEventListener("click", (event) => point_at(event, true));
  drawing.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && selected >= 0) open(openable[selected]);
    const next = next_point(openable, selected, event.key);
    if (next < 0 || !openable.length) return;
    event.preventDefault();
    selected = next;
    explain(openable[next]);
  });

  /** @param {MouseEvent} event @param {boolean} opens */
  function point_at(event, opens) {
    const box = drawing.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) / box.width) * wide - EDGE, ((event.clientY - box.top) / box.height) * tall - EDGE];
    const near = (/** @type {Point[]} */ some) => some[nearest_point(some, x / SIZE, y / SIZE + top, REACH)];
    const found = near(openable) ?? near(points);
    if (!found) return;
    const again = selected >= 0 && openable[selected] === found;
    selected = openable.indexOf(found);
    explain(found);
    // a finger cannot point without selecting: its first tap shows the image, the second opens it
    if (opens && (again || /** @type {PointerEvent} */ (event).pointerType !== "touch")) open(found);
  }

  /** @param {Point} point */
  function open({ entry }) {
    if (entry >= 0) store.set({ tab: "network", picture: `p${entry}`, row: -1, column: -1 });
  }

  /** @param {Point|null} point */
  function explain(point) {
    const [x, y] = point ? at(point) : [0, 0];
    chosen.setAttribute("d", point ? ring(x, y, 8) : "");
    if (!point) fill(detail, h("p", { class: "small soft" }, word("map.help")));
    else if (point.entry >= 0) fill(detail, h("p", { class: "visually-hidden" }, picture_title(bundle, bundle.pictures.entries[point.entry])), tiles(session, store, [point.entry]));
    else fill(detail, h("p", { class: "small" }, word("map.absent", { part: part_name(bundle.pictures.part), index: point.index, label: bundle.class_names[point.label], predicted: bundle.class_names[point.predicted] })));
  }

  /** @param {string} name @param {number} label */
  function legend_button(name, label) {
    const button = h("button", { class: "test-map-class", "aria-pressed": "false", onclick: () => {
      const on = drawing.dataset.only !== String(label);
      drawing.dataset.only = on ? String(label) : "";
      legend.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", String(on && other === button)));
      drawing.querySelectorAll(".test-map-points").forEach((group, at) => group.classList.toggle("test-map-faint", on && at !== label));
    } }, s("svg", { viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true", class: color_of(label) }, s("path", { d: mark_of(label)(0, 0, LARGE) })), name);
    return button;
  }

  function move_here() {
    const spot = session.activations && store.get().moment < 0 ? place(session.activations) : null;
    here.toggleAttribute("hidden", !spot);
    if (!spot) return;
    const inside = { x: Math.min(1, Math.max(0, spot.x)), y: Math.min(top + height, Math.max(top, spot.y)) };
    here.setAttribute("transform", `translate(${at(inside).map((value) => value.toFixed(1)).join(" ")})`);
    here.firstElementChild?.setAttribute("d", ring(0, 0, 9) + ring(0, 0, 2));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture !== old.picture || state.off !== old.off || state.moment !== old.moment) move_here();
    },
    destroy() {},
  };
}

/** @param {number} label */
const color_of = (label) => `test-map-color-${label % COLORS}`;

/** @param {string[]} names @param {Point[]} points @param {(point: Point) => number[]} at */
function class_groups(names, points, at) {
  return names.map((_, label) => {
    const mark = mark_of(label);
    const path = (/** @type {Point[]} */ some, /** @type {number} */ r) => some.map((point) => mark(at(point)[0], at(point)[1], r)).join("");
    const own = points.filter((point) => point.label === label);
    return s("g", { class: `test-map-points ${color_of(label)}` },
      s("path", { class: "test-map-small", d: path(own.filter(({ entry }) => entry < 0), SMALL) }),
      s("path", { class: "test-map-large", d: path(own.filter(({ entry }) => entry >= 0), LARGE) }));
  });
}

/** @param {Point[]} points @param {(point: Point) => number[]} at */
function mistakes_of(points, at) {
  const wrong = points.filter(({ label, predicted }) => label !== predicted);
  return s("path", { class: "test-map-mistakes", d: wrong.map((point) => ring(at(point)[0], at(point)[1], 8)).join("") });
}

/** Names at the median of their class. @param {string[]} names @param {Point[]} points @param {(point: Point) => number[]} at */
function names_of(names, points, at) {
  if (names.length > 40) return s("g", {});
  return s("g", { class: "test-map-names", "aria-hidden": "true" }, names.map((name, label) => {
    const own = points.filter((point) => point.label === label).map(at);
    const middle = (/** @type {0|1} */ axis) => own.map((spot) => spot[axis]).sort((a, b) => a - b)[own.length >> 1];
    return own.length ? s("text", { x: middle(0), y: middle(1) + 6, "text-anchor": "middle" }, name.length > 16 ? `${name.slice(0, 15)}…` : name) : null;
  }));
}

/** @param {Session["bundle"]} bundle @param {Point[]} points */
function summary({ test_map, pictures, evaluation, network }, points) {
  if (!test_map) return "";
  const layer = network.layers.find(({ name }) => name === test_map.layer);
  const size = layer ? layer.output_shape.reduce((product, side) => product * side, 1) : network.input_shape.reduce((product, side) => product * side, 1);
  const shown = count(points.length);
  return [
    word("map.summary", {
      count: evaluation && evaluation.n > points.length ? word("map.of", { count: shown, all: count(evaluation.n) }) : shown,
      part: part_name(pictures.part), size: count(size), layer: layer ? word("map.output", { layer: layer.name }) : word("map.image"),
      method: word(test_map.method === "pca" ? "map.pca" : "map.tsne"),
    }),
    test_map.explained_variance !== null && word("map.variance", { percent: (100 * test_map.explained_variance).toFixed(0) }),
    word("map.trust", { value: test_map.trustworthiness.toFixed(2) }),
  ].filter(Boolean).join(" ");
}
