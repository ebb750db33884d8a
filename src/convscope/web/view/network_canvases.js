// The canvases of the network: those of this thread, and in their place those that the worker draws on while the pen moves. What it
// has drawn stays until something else is to be shown.

import { canvas_sizes, draw_edges, draw_maps } from "#web/core/network_drawing.js";
import { h } from "#web/view/dom.js";

/** @typedef {import("#web/core/network_drawing.js").Stage} Stage */
/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */
/** @typedef {"here"|"worker"|"edges here"} Shown who has drawn what is shown; `edges here`: the maps are the worker's */

const LENT = typeof HTMLCanvasElement.prototype.transferControlToOffscreen === "function";

/** @param {import("#web/core/session.js").Engine} engine */
export function network_canvases(engine) {
  const make = (/** @type {string} */ name) => h("canvas", { class: name, "aria-hidden": "true" });
  const own = { edges: make("network-edges"), maps: make("network-maps") };
  const lent = { edges: make("network-edges-live"), maps: make("network-maps-live") };
  const contexts = { edges: /** @type {CanvasRenderingContext2D} */ (own.edges.getContext("2d")), maps: /** @type {CanvasRenderingContext2D} */ (own.maps.getContext("2d")) };
  let ready = false;
  /** @type {Shown} */
  let shown = "here";
  if (LENT) void engine.lend(give).then((will) => (ready = will), () => {});

  /** The page does without these canvases until there is a worker for them. */
  function give() {
    own.edges.after(lent.edges);
    own.maps.after(lent.maps);
    show("here");
    return { edges: lent.edges.transferControlToOffscreen(), maps: lent.maps.transferControlToOffscreen() };
  }
  /** @param {Shown} now @returns {Shown} what was shown before */
  function show(now) {
    const was = shown;
    shown = now;
    const visible = (/** @type {HTMLElement} */ { style }, /** @type {boolean} */ yes) => void (style.visibility = yes ? "" : "hidden");
    visible(own.maps, now === "here");
    visible(lent.maps, now !== "here");
    visible(own.edges, now !== "worker");
    visible(lent.edges, now === "worker");
    return was;
  }

  return {
    elements: [own.edges, own.maps],
    /** Whether the worker draws. */
    lent: () => ready,
    shown: () => shown,
    show: (/** @type {Shown} */ now) => (now === shown ? shown : show(now)),
    /** @param {Stage} stage */
    arrange(stage) {
      const sizes = canvas_sizes(stage);
      for (const name of /** @type {const} */ (["edges", "maps"])) {
        Object.assign(own[name], sizes[name]);
        const [width, height] = [sizes[name].width, sizes[name].height].map((side) => `${side / stage.ratio}px`);
        for (const { style } of [own[name], lent[name]]) Object.assign(style, { width, height });
      }
    },
    /** @param {import("#web/core/map_pixels.js").Pixels[]} columns */
    draw_maps: (columns) => draw_maps(contexts.maps, columns),
    /** @param {Stage} stage @param {{edges: Edge[], opacity: number}[]} groups */
    draw_edges: (stage, groups) => draw_edges(contexts.edges, stage, groups),
  };
}
