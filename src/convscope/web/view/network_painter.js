// Paints the maps and edges of the network, or shows what the worker has drawn.

import { column_pixels } from "#web/core/map_pixels.js";
import { OLD } from "#web/core/network_drawing.js";
import { contents_of } from "#web/core/results.js";
import { path_of } from "#web/view/network_path.js";
import { is_dark, line_colors, on_theme } from "#web/view/theme.js";

/** @typedef {import("#web/core/network_layout.js").Layout} Layout */
/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */
/** @typedef {{x: number, y: number}|null} End */

const EDGE_MARGIN = 24; // pixels between the picture and the bars
const REST = 300; // milliseconds after which edges are drawn to the bars where these are now, if the pen rests

/**
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 * @param {import("#web/core/columns.js").Column[]} columns
 * @param {object} picture
 * @param {ReturnType<typeof import("#web/view/network_canvases.js").network_canvases>} picture.canvases
 * @param {() => {layout: Layout, ratio: number, size: string}} picture.place `size`: another one for each layout; empty before the first
 * @param {(k: number) => End} picture.end_of where the bar of a class begins, in the picture's own pixels
 * @param {() => Edge[]|null} picture.hovered edges of the map that is pointed at
 * @param {(path: ReturnType<typeof path_of>) => void} picture.describe called when edges have changed
 */
export function network_painter(session, store, columns, { canvases, place, end_of, hovered, describe }) {
  /** @type {End[]|null} where edges to the bars end, until something moves: to ask again would cost a layout */
  let ends = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let resting;
  let due = 0; // the frame in which what the worker has drawn is shown
  let moved = false; // whether bars have moved since the worker has drawn the edges to them
  const path = path_of(session, store, columns, () => (is_there() ? describe(path) : draw()));
  const forget = on_theme(() => (paint(), draw()));
  session.display = display;

  /** @param {boolean} edges whether any are to be drawn @returns {import("#web/core/network_drawing.js").Stage} */
  function stage(edges) {
    const { layout, ratio } = place();
    const beside = layout.places[columns.length - 1].width === 0; // edges to the bars end in the gap beside the picture
    if (edges) ends ??= beside ? session.bundle.class_names.map((_, k) => end_of(k)) : [];
    return { layout, ratio, margin: beside ? EDGE_MARGIN : 0, colors: line_colors(), ends: ends ?? [] };
  }

  /** What the worker is to compute with the activations. @returns {import("#web/core/results.js").Display} */
  function display() {
    const { layer, target } = store.get();
    const { layout, ratio, size } = place();
    const look = { ratio, dark: is_dark(), frame: line_colors().edge };
    const [there, wanted] = [size && session.live && canvases.lent() ? stage(true) : null, path.wanted()];
    return { key: `${size} ${layer} ${look.dark}`, places: layout.places, look, layer, target, edges: wanted, stage: there, drawn: wanted || !there ? [] : path.edges() };
  }

  /** Whether the worker has drawn what is to be shown. */
  function is_there() {
    const { displayed } = session;
    return (canvases.shown() === "worker" || due) && !hovered() && (displayed?.path ? displayed.path.path === path.edges() : !path.fresh());
  }

  function paint() {
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
    const { layer, look, places } = display();
    canvases.draw_maps(ready ?? contents_of(session, columns, layer).map((content, index) => column_pixels(places[index], content, look)));
  }

  /** All edges, in this thread; maps that the worker has drawn stay. */
  function draw() {
    moved = false;
    if (due) paint_maps();
    if (!take_due() && canvases.shown() === "worker") canvases.show("edges here");
    const pointed = hovered();
    const groups = [{ edges: path.edges(), opacity: pointed ? 0.12 : path.fresh() ? 1 : OLD }];
    canvases.draw_edges(stage(Boolean(pointed ?? path.edges().length)), pointed ? [...groups, { edges: pointed, opacity: 1 }] : groups);
    describe(path);
  }
  /** Edges lead to the bars where these are when the pen rests. */
  function rest() {
    if (session.live || due) resting = setTimeout(rest, REST);
    else if (moved) draw();
  }

  return {
    path,
    paint,
    draw,
    /** Another layout. */
    arrange() {
      ends = null;
      canvases.arrange(stage(false));
    },
    /** The bars may have moved. */
    bars_moved() {
      const before = JSON.stringify(ends);
      ends = null;
      if (before === "null" || JSON.stringify(stage(true).ends) === before) return;
      if (canvases.shown() === "here" && !due) return draw();
      moved = true;
      clearTimeout(resting);
      resting = setTimeout(rest, session.live ? REST : 0);
    },
    destroy() {
      forget();
      clearTimeout(resting);
      cancelAnimationFrame(due);
      path.stop();
      session.display = () => null;
    },
  };
}
