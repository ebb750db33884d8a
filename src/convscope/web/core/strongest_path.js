/**
 * The edges that carry most of a class's logit, from the class back to the image.
 *
 * @typedef {import("#web/core/columns.js").Column} Column
 * @typedef {import("#web/core/contributions.js").Contributions} Contributions
 * @typedef {import("#web/core/session.js").Session} AnySession
 * @typedef {Pick<AnySession, "weights"|"activations"> & {bundle: Pick<AnySession["bundle"], "network">}} Session
 * @typedef {{column: number, map: number}} Node A map of a column, or a unit.
 * @typedef {{from: Node, to: Node, amount: number}} Edge `amount`: its contribution, in logits; or to the sum of the map
 *     that it leads to.
 */

import { edge_contributions, reader_contributions } from "#web/core/edge_contributions.js";
import { input_indexes } from "#web/core/network.js";
import { column_of } from "#web/core/columns.js";

/** Maps of a column that the path may enter, and edges into each. */
const WIDTH = 10;
const EDGES = 3;
/** Smaller parts of the strongest edge are not drawn. */
const NEGLIGIBLE = 0.02;

/**
 * @param {Session} session With activations.
 * @param {Column[]} columns
 * @param {Contributions} found
 * @param {number} class_index
 * @returns {Generator<void, Edge[]>} Map by map; the edges are grouped by the column that they lead to, the last column
 *     first.
 */
export function* strongest_path(session, columns, found, class_index) {
  /** @type {Edge[]} */
  const path = [];
  /** @type {Map<number, number>[]} for each column, the maps that the path enters and how much it carries there */
  const entered = columns.map(() => new Map());
  entered[columns.length - 1].set(class_index, found.logit);
  for (let column = columns.length - 1; column > 0; column -= 1) {
    const chosen = [...entered[column]].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, WIDTH).map(([map]) => map);
    const most = chosen.length === 1 ? WIDTH : EDGES;
    const multipliers = found.before_activation[columns[column].main] ?? undefined;
    for (const to of chosen) {
      for (const edge of largest(edges_into(session, columns, { column, map: to }, multipliers), most)) {
        path.push(edge);
        const { column: source, map } = edge.from;
        entered[source].set(map, (entered[source].get(map) ?? 0) + Math.abs(edge.amount));
      }
      yield;
    }
  }
  return path;
}

/**
 * Every edge into one map.
 *
 * @param {Session} session With activations.
 * @param {Column[]} columns
 * @param {Node} to
 * @param {Float64Array} [multipliers] of the values of its main layer; by default the amounts are parts of the map's sum
 * @returns {Edge[]} One for each map that it reads, in their order.
 */
export function edges_into({ bundle: { network }, weights, activations }, columns, to, multipliers) {
  const { main } = columns[to.column];
  if (main < 0 || !activations) return [];
  const sums = edge_contributions(network, weights, activations, main, to.map, multipliers);
  return input_indexes(network, main).flatMap((source, n) => {
    const column = column_of(columns, source);
    const amounts = column === 0 ? [sums[n].reduce((all, one) => all + one, 0)] : [...sums[n]];
    return amounts.map((amount, map) => ({ from: { column, map }, to, amount }));
  });
}

/**
 * Every edge from one map into the columns that read it.
 *
 * @param {Session} session With activations.
 * @param {Column[]} columns
 * @param {Node} from
 * @returns {Edge[]} `amount` is what the map adds to the sum of the map that reads it.
 */
export function edges_from({ bundle: { network }, weights, activations }, columns, from) {
  const source = columns[from.column].tail;
  return columns.flatMap(({ main, sources }, column) => {
    if (!activations || !sources.includes(from.column)) return [];
    const sums = reader_contributions(network, weights, activations, main, source, from.column === 0 ? -1 : from.map);
    return [...sums].flatMap((amount, map) => (amount === 0 ? [] : [{ from, to: { column, map }, amount }]));
  });
}

/**
 * The largest edges, positive or negative.
 *
 * @param {Edge[]} edges
 * @param {number} most
 * @returns {Edge[]}
 */
export function largest(edges, most) {
  const sorted = [...edges].sort((a, b) => Math.abs(b.amount) - Math.abs(a.amount)).slice(0, most);
  return sorted.filter(({ amount }) => Math.abs(amount) > NEGLIGIBLE * Math.abs(sorted[0].amount));
}
