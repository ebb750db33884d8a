// How one value is computed: window × filter, the sum written out, and the map that it belongs to.

import { column_of, columns_of } from "#web/core/columns.js";
import { focus_of, shown_output } from "#web/core/focus.js";
import { arguments_text } from "#web/core/layer_descriptions.js";
import { kind_of } from "#web/core/layer_kinds.js";
import { input_indexes, inputs_of } from "#web/core/network.js";
import { input_span } from "#web/core/receptive_field.js";
import { largest_magnitude } from "#web/core/scale.js";
import { parse_off, toggle_off } from "#web/core/state.js";
import { names_of } from "#web/core/value_names.js";
import { word } from "#web/core/words.js";
import { later_lines, written_value } from "#web/core/written_value.js";
import { part_bars, product_tables, sum_lines } from "#web/view/dock_tables.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { legend, paint_map, place_frame } from "#web/view/feature_map.js";
import { player } from "#web/view/player.js";
import { on_theme } from "#web/view/theme.js";
import { touch } from "#web/view/touch.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/focus.js").Focus} Focus */
/** @typedef {import("#web/core/written_value.js").Written} Written */

const SHORT = 90; // characters: a longer description does not fit, and the arguments of the layer stand for it

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { network, class_names } = session.bundle;
  const columns = columns_of(network);
  const [where, about] = [h("p", { class: "dock-where" }), h("p", { class: "dock-about small soft" })];
  const off = h("button", { onclick: () => store.set({ off: toggle_off(store.get().off, row().name, focus.channel) }) });
  const [input, output] = [figure("dock-input"), figure("dock-output")];
  const large = output.canvas;
  for (const [name, value] of Object.entries({ class: "layer-large", tabindex: "0", role: "application", "aria-roledescription": word("value.role") })) large.setAttribute(name, value);
  const tables = h("div", { class: "dock-tables" });
  const sum = h("div", { class: "dock-sum" });
  const bars = part_bars((map) => ((chosen = map), show()));
  let chosen = -1; // the input map that is shown; -1 for the one that adds most
  let focus = focus_of(session, columns, store.get());
  const play = player({ get: () => store.get(), set: (place) => store.set(row().output_shape.length === 3 ? { ...place, channel: focus.channel } : place) }, size, () => show());
  const empty = h("p", { class: "dock-empty soft" }, word("value.empty"));
  const body = h("div", { class: "dock-body" },
    h("div", { class: "dock-text" }, h("h2", {}, word("value.this")), where, about, h("div", { class: "dock-buttons" }, play.element, off)),
    input.element, tables, output.element, sum);
  fill(element, empty, body);
  touch(large, {
    size,
    point: select,
    step: (down, right) => select(focus.row + down, (row().output_shape.length === 3 ? focus.column : focus.channel) + right),
    busy: () => play.playing(),
    hover: false,
  });
  const forget = on_theme(() => show());
  show();

  function row() {
    return network.layers[focus.layer];
  }
  /** Rows and columns; units are one row. @returns {[number, number]} */
  function size() {
    const shape = row().output_shape;
    return shape.length === 3 ? [shape[0], shape[1]] : [1, shape[0]];
  }
  /** @param {number} at_row @param {number} column */
  function select(at_row, column) {
    const [height, width] = size();
    play.stop();
    const place = { row: Math.min(Math.max(at_row, 0), height - 1), column: Math.min(Math.max(column, 0), width - 1) };
    store.set(row().output_shape.length === 3 ? { ...place, channel: focus.channel } : place);
  }

  function show() {
    const { activations } = session;
    empty.hidden = Boolean(activations);
    body.hidden = !activations;
    if (!activations) return;
    focus = focus_of(session, columns, store.get());
    const written = written_value(session, focus, names_of(network, focus.layer), chosen);
    show_text();
    show_input(written);
    fill(tables, product_tables(written));
    show_output();
    bars.show(written, network);
    const later = later_lines(session, columns[column_of(columns, focus.layer)], focus);
    fill(sum, bars.element, sum_lines([...written.lines, ...later]));
  }
  function show_text() {
    const flat = row().output_shape.length !== 3;
    const named = flat && row().output_shape[0] === class_names.length && focus.layer >= network.layers.length - 2;
    const place = flat ? (named ? word("value.class", { name: class_names[focus.channel] }) : word("value.unit", { unit: focus.channel })) : word("value.map", { map: focus.channel, row: focus.row, column: focus.column });
    fill(where, h("b", {}, row().kind), ` ${place}`);
    const described = kind_of(row()).describe(row());
    about.textContent = (described.length > SHORT && arguments_text(row())) || described;
    about.title = described;
    const disabled = parse_off(store.get().off)[row().name]?.includes(focus.channel);
    off.textContent = word(disabled ? (flat ? "value.enable_unit" : "value.enable_map") : flat ? "value.disable_unit" : "value.disable_map", { map: focus.channel });
    off.setAttribute("aria-pressed", String(Boolean(disabled)));
  }
  /** @param {Written} written */
  function show_input({ source }) {
    const tensor = session.activations && inputs_of(network, session.activations, focus.layer)[source.index];
    input.element.hidden = tensor?.shape.length !== 3;
    if (!tensor || !session.selected || input.element.hidden) return;
    if (source.layer < 0) paint_bytes(input.canvas, network.input_shape, session.selected);
    else paint_map(input.canvas, tensor, source.map, largest_magnitude(tensor.data));
    place_frame(input.frame, span(), tensor.shape);
    const name = source.layer < 0 ? word("name.image") : word("name.map_of", { map: source.map, layer: network.layers[source.layer].name });
    const others = input_indexes(network, focus.layer).filter((_, index) => index !== source.index).map((at) => (at < 0 ? word("name.image") : network.layers[at].name));
    fill(input.caption, others.length ? word("value.also", { name, others: others.join(", ") }) : name);
    input.element.style.setProperty("--aspect", String(tensor.shape[1] / tensor.shape[0]));
  }
  function span() {
    const copied = kind_of(row()).unit_source?.(row(), focus.channel);
    if (copied) return { r0: copied.row, r1: copied.row, c0: copied.column, c1: copied.column };
    return input_span(row(), { r0: focus.row, r1: focus.row, c0: focus.column, c1: focus.column });
  }
  function show_output() {
    const tensor = shown_output(session, columns, focus.layer);
    if (!tensor) return;
    const [height, width] = size();
    const flat = tensor.shape.length !== 3;
    const most = largest_magnitude(tensor.data);
    paint_map(large, tensor, focus.channel, most, play.until());
    const [at_row, column] = flat ? [0, focus.channel] : [focus.row, focus.column];
    place_frame(output.frame, { r0: at_row, r1: at_row, c0: column, c1: column }, [height, width]);
    output.element.style.setProperty("--aspect", String(flat ? 1 : width / height));
    fill(output.caption, flat ? word("value.values", { count: width }) : word("name.map", { map: focus.channel }), h("span", { class: "dock-scale" }, legend(most)));
    large.setAttribute("aria-label", word(flat ? "value.label_values" : "value.label_map", { layer: row().name, count: width, map: focus.channel, rows: height, columns: width }));
  }

  return {
    /** Where a map travels to. */
    target: () => output.canvas.getBoundingClientRect(),
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.layer !== old.layer || state.channel !== old.channel || (state.row < 0 && old.row >= 0)) play.stop();
      if (state.layer !== old.layer || state.channel !== old.channel) chosen = -1;
      const keys = /** @type {(keyof State)[]} */ (["picture", "off", "layer", "channel", "row", "column", "target"]);
      if (keys.some((key) => state[key] !== old[key])) show();
    },
    destroy() {
      play.stop();
      forget();
    },
  };
}

/** @param {string} name */
function figure(name) {
  const canvas = h("canvas", { "aria-hidden": name === "dock-input" ? "true" : null });
  const frame = h("span", { class: "frame", hidden: true });
  const caption = h("figcaption", { class: "small soft" });
  return { canvas, frame, caption, element: h("figure", { class: `dock-figure ${name}` }, h("span", { class: "framed" }, canvas, frame), caption) };
}
