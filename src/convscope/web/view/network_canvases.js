// The canvases of the network: those of this thread, and in their place those that the worker draws on while the pen moves.

import { canvas_sizes, draw_edges, draw_maps } from "#web/core/network_drawing.js";
import { h } from "#web/view/dom.js";

/** @typedef {import("#web/core/network_drawing.js").Stage} Stage */
/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */

const LENT = typeof HTMLCanvasElement.prototype.transferControlToOffscreen === "function";

/** @param {import("#web/core/session.js").Engine} engine */
export function network_canvases(engine) {
  const make = (/** @type {string} */ name) => h("canvas", { class: name, "aria-hidden": "true" });
  const own = { edges: make("network-edges"), maps: make("network-maps") };
  const lent = { edges: make("network-edges-live"), maps: make("network-maps-live") };
  const contexts = { edges: /** @type {CanvasRenderingContext2D} */ (own.edges.getContext("2d")), maps: /** @type {CanvasRenderingContext2D} */ (own.maps.getContext("2d")) };
  let [ready, live] = [false, false];
  if (LENT) void engine.lend(give).then((will) => (ready = will), () => {});

  /** The page does without these canvases until there is a worker for them. */
  function give() {
    own.edges.after(lent.edges);
    own.maps.after(lent.maps);
    show(false);
    return { edges: lent.edges.transferControlToOffscreen(), maps: lent.maps.transferControlToOffscreen() };
  }
  /** @param {boolean} now whether what the worker has drawn is shown @returns {boolean} whether it was */
  function show(now) {
    const was = live;
    live = now;
    for (const [canvases, visible] of /** @type {const} */ ([[own, !now], [lent, now]])) {
      for (const { style } of Object.values(canvases)) style.visibility = visible ? "" : "hidden";
    }
    return was;
  }

  return {
    elements: [own.edges, own.maps],
    /** Whether the worker draws. */
    lent: () => ready,
    live: () => live,
    show: (/** @type {boolean} */ now) => (now === live ? live : show(now)),
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
