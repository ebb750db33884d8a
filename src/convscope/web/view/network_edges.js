// Draws edges between the maps of a network: orange adds, blue subtracts, and the width is the size of the contribution.

import { box_of } from "#web/core/network_layout.js";
import { line_colors } from "#web/view/theme.js";

/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */
/** @typedef {import("#web/core/strongest_path.js").Node} MapNode */
/** @typedef {import("#web/core/network_layout.js").Layout} Layout */
/** @typedef {{x: number, y: number}} Point */

const WIDTH = { least: 0.8, most: 3.6 };

/**
 * @param {CanvasRenderingContext2D} context scaled to CSS pixels
 * @param {Layout} layout
 * @param {Edge[]} edges
 * @param {{end_of: (map: number) => Point|null, opacity?: number}} options `end_of`: where an edge to a class ends that is drawn elsewhere; null
 *     where it is in the layout
 */
export function draw_edges(context, layout, edges, { end_of, opacity = 1 }) {
  const colors = line_colors();
  const most = largest_by_column(edges);
  const last = layout.places.length - 1;
  context.globalAlpha = opacity;
  const sorted = [...edges].sort((a, b) => Math.abs(a.amount) - Math.abs(b.amount));
  for (const { from, to, amount } of sorted) {
    const strength = Math.abs(amount) / (most.get(to.column) || 1);
    context.strokeStyle = amount < 0 ? colors.minus : colors.plus;
    context.lineWidth = WIDTH.least + (WIDTH.most - WIDTH.least) * strength;
    context.globalAlpha = opacity * (0.35 + 0.65 * strength);
    const [start, end] = [exit(layout, from), (to.column === last && end_of(to.map)) || entry(layout, to)];
    curve(context, start, end, layout.vertical);
  }
  context.globalAlpha = opacity;
  for (const { node, amount } of nodes(edges)) {
    if (node.column === last && end_of(node.map)) continue;
    const { x, y, width, height } = box_of(layout.places[node.column], node.map);
    if (width < 6 || height < 6) continue; // a cell of a long vector: its edge ends there
    context.strokeStyle = amount < 0 ? colors.minus : colors.plus;
    context.lineWidth = 2;
    context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  }
  context.globalAlpha = 1;
}

/**
 * An outline around each vector whose cells are too small for outlines of their own.
 * @param {CanvasRenderingContext2D} context
 * @param {Layout} layout
 */
export function draw_outlines(context, { places }) {
  context.lineWidth = 1;
  context.strokeStyle = `rgb(${line_colors().edge.join(" ")})`;
  for (const { x, y, width, height, gap } of places) if (gap === 1 && width) context.strokeRect(x - 1.5, y - 1.5, width + 2, height + 2);
}

/** @param {CanvasRenderingContext2D} context @param {Point} start @param {Point} end @param {boolean} vertical */
function curve(context, start, end, vertical) {
  const [dx, dy] = vertical ? [0, (end.y - start.y) / 2] : [(end.x - start.x) / 2, 0];
  context.beginPath();
  context.moveTo(start.x, start.y);
  context.bezierCurveTo(start.x + dx, start.y + dy, end.x - dx, end.y - dy, end.x, end.y);
  context.stroke();
}

/** Where edges leave a column: at its border, at the height of the map. @param {Layout} layout @param {MapNode} node @returns {Point} */
function exit({ places, vertical }, { column, map }) {
  const box = box_of(places[column], map);
  const place = places[column];
  return vertical ? { x: box.x + box.width / 2, y: place.y + place.height } : { x: place.x + place.width, y: box.y + box.height / 2 };
}

/** @param {Layout} layout @param {MapNode} node @returns {Point} */
function entry({ places, vertical }, { column, map }) {
  const box = box_of(places[column], map);
  return vertical ? { x: box.x + box.width / 2, y: places[column].y } : { x: places[column].x, y: box.y + box.height / 2 };
}

/** Each map that an edge touches, with the amount that leaves it, or arrives. @param {Edge[]} edges */
function nodes(edges) {
  /** @type {Map<string, {node: MapNode, amount: number}>} */
  const found = new Map();
  for (const { from, to, amount } of edges) {
    for (const node of [from, to]) {
      const key = `${node.column} ${node.map}`;
      const one = found.get(key) ?? { node, amount: 0 };
      if (node === from || !one.amount) one.amount += amount;
      found.set(key, one);
    }
  }
  return found.values();
}

/** @param {Edge[]} edges */
function largest_by_column(edges) {
  /** @type {Map<number, number>} */
  const most = new Map();
  for (const { to, amount } of edges) most.set(to.column, Math.max(most.get(to.column) ?? 0, Math.abs(amount)));
  return most;
}
