// The name of each column, above it: a tap lists its layers, each of which can be shown.

import { by, describe_layer, shape_text } from "#web/core/layer_descriptions.js";
import { counted, word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";

/** @typedef {import("#web/core/columns.js").Column} Column */
/** @typedef {import("#web/core/network_layout.js").Layout} Layout */
/** @typedef {import("#web/core/network.js").Network} Network */

/**
 * @param {Network} network
 * @param {Column[]} columns
 * @param {import("#web/core/state.js").Store} store
 */
export function column_heads(network, columns, store) {
  const list = h("div", { class: "column-layers", role: "group", hidden: true, onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && close(true) });
  let open = -1;
  /** @type {string[]} what is said of maps that are larger than their cells */
  const reduced = [];
  const heads = columns.map((column, index) => {
    const [title, detail] = column.main < 0 ? [word("column.image"), image_text(network.input_shape)] : head_text(network, column);
    const values = h("span", { class: "column-values" });
    const button = h("button", { class: "column-head", tabindex: -1, "aria-expanded": "false", onclick: () => (open === index ? close(false) : unfold(index)) },
      h("b", {}, title.replace(/(?<=[a-z])(?=[A-Z])/g, "\u200b")), h("span", {}, detail, values));
    return { button, values };
  });

  /** @param {number} index */
  function unfold(index) {
    close(false);
    open = index;
    heads[index].button.setAttribute("aria-expanded", "true");
    const { layers } = columns[index];
    list.setAttribute("aria-label", word("column.layers", { name: columns[index].main < 0 ? word("name.image") : network.layers[columns[index].main].name }));
    list.replaceChildren(
      ...(layers.length ? layers : []).map((layer) => h("button", { "aria-current": String(store.get().layer === layer), onclick: () => choose(layer) },
        h("b", {}, `${layer + 1} ${network.layers[layer].kind}`), h("span", { class: "small soft" }, details(network, layer)))),
      ...(layers.length ? [] : [h("p", { class: "small" }, word("column.input"))]),
      ...(reduced[index] ? [h("p", { class: "small soft" }, reduced[index])] : []),
    );
    list.hidden = false;
    place();
  }
  /** @param {boolean} refocus */
  function close(refocus) {
    if (open < 0) return;
    heads[open].button.setAttribute("aria-expanded", "false");
    if (refocus) heads[open].button.focus();
    open = -1;
    list.hidden = true;
  }
  /** @param {number} layer */
  function choose(layer) {
    store.set({ layer, channel: Math.max(-1, store.get().layer === layer ? store.get().channel : -1), row: -1, column: -1 });
    close(true);
  }
  /** The list opens below its head, inside the picture. */
  function place() {
    const button = heads[open]?.button;
    const stage = button?.parentElement;
    if (!button || !stage) return;
    list.style.top = `${button.offsetTop + button.offsetHeight + 2}px`;
    list.style.left = `${Math.max(0, Math.min(button.offsetLeft, stage.clientWidth - list.offsetWidth - 4))}px`;
  }

  return {
    elements: [...heads.map(({ button }) => button), list],
    close: () => close(false),
    /** @param {number} index */
    focus: (index) => heads[index].button.focus(),
    /** @param {Layout} layout */
    arrange({ places, vertical, width, head }) {
      heads.forEach(({ button, values }, index) => {
        const { x, y, width: wide, values: each } = places[index];
        button.hidden = wide === 0;
        reduced[index] = is_reduced(columns[index], places[index]) ? word(columns[index].main < 0 ? "column.pooled_image" : "column.pooled") : "";
        button.title = reduced[index];
        values.textContent = each > 1 ? word("column.cell", { count: each }) : "";
        const slot = vertical ? width : Math.max(wide, Math.min(slot_left(places, index), 156));
        const center = vertical ? width / 2 : x + wide / 2;
        // cut at the border of the picture, not moved: it would cover the next one
        const [left, right] = [Math.max(0, center - slot / 2), Math.min(width, center + slot / 2)];
        button.style.width = `${right - left}px`;
        button.style.left = `${left}px`;
        button.style.top = `${y - head}px`;
        button.style.height = `${head - 2}px`;
      });
      place();
    },
  };
}

/** Whether maps have more pixels than their cells. @param {Column} column @param {import("#web/core/network_layout.js").Place} place */
function is_reduced({ shape }, { width, cell_width, cell_height, gap }) {
  const ratio = devicePixelRatio || 1;
  return width > 0 && shape.length === 3 && (shape[0] > (cell_height - gap) * ratio || shape[1] > (cell_width - gap) * ratio);
}

/** How wide a name may be, so that it does not touch the next one. @param {import("#web/core/network_layout.js").Place[]} places @param {number} index */
function slot_left(places, index) {
  const center = (/** @type {number} */ at) => places[at].x + places[at].width / 2;
  const distances = [index - 1, index + 1].filter((at) => places[at]?.width).map((at) => Math.abs(center(at) - center(index)));
  return Math.min(...distances, 400) - 2;
}

/** @param {number[]} shape */
const image_text = ([height, width, channels]) => `${height}×${width}${channels === 3 ? " RGB" : ""}`;

/** Two lines: the layer, and what it has. @param {Network} network @param {Column} column @returns {[string, string]} */
function head_text(network, { main, shape }) {
  const { kind, config } = network.layers[main];
  const maps = shape.length === 3 ? `${shape[2]} × ${shape[0]}×${shape[1]}` : counted("n.values", shape[0]);
  if (config.filters) return [`${kind} ${by(config.kernel_size)}`, word("column.maps", { count: config.filters, size: by(shape.slice(0, 2)) })];
  if (shape.length === 3) return [kind, word("column.maps", { count: shape[2], size: by(shape.slice(0, 2)) })];
  return [kind, config.units ? counted("n.units", config.units) : maps];
}

/** @param {Network} network @param {number} layer */
function details(network, layer) {
  const row = network.layers[layer];
  return `${describe_layer(row)} ${word("column.output", { shape: shape_text(row.output_shape) })}${row.parameters ? ` ${counted("n.parameters", row.parameters)}.` : ""}`;
}
