// Draws the network on canvases of the page or of its worker: the maps, and the edges between them. Orange adds, blue subtracts,
// and the width is the size of the contribution.

import { box_of } from "#web/core/network_layout.js";

/** @typedef {import("#web/core/strongest_path.js").Edge} Edge */
/** @typedef {import("#web/core/strongest_path.js").Node} MapNode */
/** @typedef {import("#web/core/network_layout.js").Layout} Layout */
/** @typedef {{x: number, y: number}} Point */

/** The opacity of edges that belong to an earlier image. */
export const OLD = 0.45;

const WIDTH = { least: 0.8, most: 3.6 };

/** @typedef {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} Context */

/**
 * @typedef {object} Stage What is drawn on.
 * @property {Layout} layout
 * @property {number} ratio canvas pixels per CSS pixel
 * @property {number} margin CSS pixels to the right of the layout, where edges lead to the bars of the classes
 * @property {{plus: string, minus: string, edge: number[]}} colors
 * @property {(Point|null)[]} ends where an edge to each class ends that is drawn elsewhere; null where it is in the layout
 */

/** The sizes of the two canvases, in canvas pixels. @param {Stage} stage */
export function canvas_sizes({ layout, ratio, margin }) {
  const [width, height] = [Math.round(layout.width * ratio), Math.round(layout.height * ratio)];
  return { edges: { width: Math.round((layout.width + margin) * ratio), height }, maps: { width, height } };
}

/**
 * Put the pixels of all maps on their canvas.
 * @param {Context} context
 * @param {import("#web/core/map_pixels.js").Pixels[]} columns
 */
export function draw_maps(context, columns) {
  for (const { x, y, width, height, data } of columns) {
    if (data.length) context.putImageData(new ImageData(new Uint8ClampedArray(data.buffer), width, height), x, y);
  }
}

/**
 * Draw all edges anew, on the canvas below the maps.
 * @param {Context} context
 * @param {Stage} stage
 * @param {{edges: Edge[], opacity: number}[]} groups later ones above
 */
export function draw_edges(context, stage, groups) {
  const { layout, ratio, margin } = stage;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, layout.width + margin, layout.height);
  draw_outlines(context, stage);
  for (const { edges, opacity } of groups) draw_group(context, stage, edges, opacity);
}

/** @param {Context} context scaled to CSS pixels @param {Stage} stage @param {Edge[]} edges @param {number} opacity */
function draw_group(context, { layout, colors, ends }, edges, opacity) {
  const most = largest_by_column(edges);
  const last = layout.places.length - 1;
  context.globalAlpha = opacity;
  const sorted = [...edges].sort((a, b) => Math.abs(a.amount) - Math.abs(b.amount));
  for (const { from, to, amount } of sorted) {
    const strength = Math.abs(amount) / (most.get(to.column) || 1);
    context.strokeStyle = amount < 0 ? colors.minus : colors.plus;
    context.lineWidth = WIDTH.least + (WIDTH.most - WIDTH.least) * strength;
    context.globalAlpha = opacity * (0.35 + 0.65 * strength);
    const [start, end] = [exit(layout, from), (to.column === last && ends[to.map]) || entry(layout, to)];
    curve(context, start, end, layout.vertical);
  }
  context.globalAlpha = opacity;
  for (const { node, amount } of nodes(edges)) {
    if (node.column === last && ends[node.map]) continue;
    const { x, y, width, height } = box_of(layout.places[node.column], node.map);
    if (width < 6 || height < 6) continue; // a cell of a long vector: its edge ends there
    context.strokeStyle = amount < 0 ? colors.minus : colors.plus;
    context.lineWidth = 2;
    context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  }
  context.globalAlpha = 1;
}

/** An outline around each vector whose cells are too small for outlines of their own. @param {Context} context @param {Stage} stage */
function draw_outlines(context, { layout: { places }, colors }) {
  context.lineWidth = 1;
  context.strokeStyle = `rgb(${colors.edge.join(" ")})`;
  for (const { x, y, width, height, gap } of places) if (gap === 1 && width) context.strokeRect(x - 1.5, y - 1.5, width + 2, height + 2);
}

/** @param {Context} context @param {Point} start @param {Point} end @param {boolean} vertical */
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
