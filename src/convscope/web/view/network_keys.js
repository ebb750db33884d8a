// Arrow keys among the columns of a network, their maps and their names; Enter selects.

/** @typedef {import("#web/core/strongest_path.js").Node} MapNode */

const STEPS = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] });

/**
 * @param {HTMLElement} stage
 * @param {object} given
 * @param {import("#web/core/columns.js").Column[]} given.columns
 * @param {() => import("#web/core/network_layout.js").Layout} given.layout
 * @param {{focus: (column: number) => void}} given.heads
 * @param {() => MapNode|null} given.at the map that is pointed at
 * @param {(node: MapNode) => void} given.speak point at a map and say its name
 * @param {(node: MapNode) => void} given.select
 */
export function network_keys(stage, { columns, layout, heads, at, speak, select }) {
  const first = () => at() ?? { column: Math.min(1, columns.length - 1), map: 0 };

  /** @param {number} down @param {number} right */
  function move(down, right) {
    const { places, vertical } = layout();
    const from = first();
    const { across, cells, values } = places[from.column];
    const cell = Math.floor(from.map / values);
    const [row, column] = [Math.floor(cell / across), cell % across];
    const [next_row, next_column, last_row] = [row + down, column + right, Math.ceil(cells / across) - 1];
    if (!vertical && next_row < 0) return heads.focus(from.column);
    const leaves = vertical ? outside(next_row, last_row) : outside(next_column, across - 1);
    if (leaves) return speak(beside(from, leaves, row / (last_row + 1)));
    const inside = clamp(next_row, last_row) * across + clamp(next_column, across - 1);
    speak({ column: from.column, map: Math.min(inside, cells - 1) * values });
  }
  /** The map beside, in the next column. @param {MapNode} from @param {number} step @param {number} height 0..1 */
  function beside(from, step, height) {
    const column = clamp(from.column + step, columns.length - 1);
    if (column === from.column) return from;
    const { across, cells, values } = layout().places[column];
    const rows = Math.ceil(cells / across);
    const cell = Math.min(Math.round(height * rows), rows - 1) * across + (step < 0 ? across - 1 : 0);
    return { column, map: Math.min(Math.min(cell, cells - 1) * values, columns[column].maps - 1) };
  }
  /** @param {KeyboardEvent} event */
  function of_head(event) {
    const head = event.target instanceof HTMLElement ? event.target.closest(".column-head") : null;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!head || (event.key !== "ArrowDown" && !step)) return;
    event.preventDefault();
    const index = [...stage.querySelectorAll(".column-head")].indexOf(head);
    if (step) return heads.focus(clamp(index + step, columns.length - 1));
    stage.focus();
    speak({ column: index, map: 0 });
  }

  stage.addEventListener("keydown", (event) => {
    if (event.target !== stage) return of_head(event);
    const node = at();
    if (["Enter", " "].includes(event.key)) {
      if (node) select(node);
    } else if (STEPS[event.key]) move(...STEPS[event.key]);
    else return;
    event.preventDefault();
  });
  return { enter: () => speak(first()) };
}

/** @param {number} value @param {number} last */
const clamp = (value, last) => Math.min(Math.max(value, 0), last);

/** @param {number} value @param {number} last */
const outside = (value, last) => (value < 0 ? -1 : value > last ? 1 : 0);
