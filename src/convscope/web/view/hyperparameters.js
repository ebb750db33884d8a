// A control for every hyperparameter of a sliding window.

import { divisors } from "#web/core/shape_check.js";
import { RANGES, range_of } from "#web/core/hyperparameter_state.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/hyperparameter_state.js").HyperparameterState} HyperparameterState */
/** @typedef {keyof typeof RANGES} Name */

const OPERATIONS = { conv: "Convolution", max: "Max pooling", average: "Average pooling" };
const PADDINGS = { valid: "valid", same: "same", number: "explicit" };

/** @type {{letter: string, title: string, names: [Name, Name]}[]} */
const PAIRS = [
  { letter: "I", title: "input", names: ["rows", "columns"] },
  { letter: "K", title: "kernel size", names: ["kernel_rows", "kernel_columns"] },
  { letter: "S", title: "strides", names: ["stride_rows", "stride_columns"] },
  { letter: "D", title: "dilation rate", names: ["dilation_rows", "dilation_columns"] },
];

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/settings.js").Settings} settings
 * @param {import("#web/core/hyperparameter_state.js").HyperparameterStore} store
 * @param {() => void} reset
 */
export function mount(element, settings, store, reset) {
  /** @type {Map<Name, {input: HTMLInputElement, shown: HTMLOutputElement}>} */
  const sliders = new Map();
  const operations = choices(OPERATIONS, (operation) => store.set({ operation }));
  const paddings = choices(PADDINGS, (padding) => store.set({ padding }));
  const [padding_names, padding_note] = [pair(["padding_rows", "padding_columns"]), h("p", { class: "small soft" }, "")];
  const linked = check("Same for rows and columns", "linked", "yes", "no");
  const numbers = check("Show values", "numbers", "on", "off");
  const groups = h("select", { id: "hyperparameter-groups", onchange: () => store.set({ groups: Number(groups.value) }) });
  const group_row = h("div", { class: "hyperparameter-row" }, h("label", { for: "hyperparameter-groups" }, "groups"), groups);
  const filters = slider("filters", "filters");
  const alone = h("p", { class: "small soft" }, "Pooling is applied to each channel separately.");
  fill(element,
    h("h2", {}, "Hyperparameters"),
    h("div", { class: "pad-buttons", role: "group", "aria-label": "Operation" }, operations.map(({ button }) => button)),
    PAIRS.slice(0, 2).map(fieldset),
    h("fieldset", { class: "hyperparameter" }, legend("P", "padding"), h("div", { class: "pad-buttons" }, paddings.map(({ button }) => button)), padding_names, padding_note),
    PAIRS.slice(2).map(fieldset),
    h("fieldset", { class: "hyperparameter" }, legend("G", "groups, channels, filters"), slider("channels", "channels"), filters, group_row, alone),
    h("div", { class: "hyperparameter-checks" }, linked.row, numbers.row),
    h("div", { class: "pad-buttons" },
      h("button", { onclick: () => store.set({ seed: store.get().seed + 1 }) }, "New random values"), h("button", { onclick: reset }, "Reset")));

  /** @param {typeof PAIRS[0]} one */
  function fieldset({ letter, title, names }) {
    return h("fieldset", { class: "hyperparameter" }, legend(letter, title), pair(names));
  }
  /** @param {[Name, Name]} names */
  function pair(names) {
    return h("div", { class: "hyperparameter-pair" }, slider(names[0], "rows", names[1]), slider(names[1], "columns", names[0]));
  }
  /** @param {Name} name @param {string} label @param {Name} [twin] */
  function slider(name, label, twin) {
    const [min, max] = range_of(name, settings);
    const id = `hyperparameter-${name}`;
    const input = h("input", { type: "range", id, min, max, step: 1, oninput: () => {
      const value = Number(input.value);
      const both = twin && store.get().linked === "yes" && value <= range_of(twin, settings)[1];
      store.set(/** @type {Partial<HyperparameterState>} */ (both ? { [name]: value, [twin]: value } : { [name]: value }));
    } });
    const shown = h("output", { class: "number", for: id });
    sliders.set(name, { input, shown });
    return h("div", { class: "hyperparameter-row" }, h("label", { for: id }, label), input, shown);
  }
  /** @param {string} label @param {"linked"|"numbers"} name @param {string} on @param {string} off */
  function check(label, name, on, off) {
    const id = `hyperparameter-${name}`;
    const box = h("input", { type: "checkbox", id, onchange: () => store.set({ [name]: box.checked ? on : off }) });
    return { box, row: h("label", { for: id, class: "hyperparameter-check" }, box, label) };
  }

  return {
    /** @param {HyperparameterState} state @param {import("#web/core/sliding_window.js").SlidingWindow} computed */
    update(state, computed) {
      const pools = computed.operation !== "conv";
      for (const [name, { input, shown }] of sliders) shown.value = input.value = String(state[name]);
      for (const { name, button } of operations) button.setAttribute("aria-pressed", String(name === state.operation));
      for (const { name, button } of paddings) button.setAttribute("aria-pressed", String(name === state.padding));
      padding_names.hidden = state.padding !== "number";
      const [rows, columns] = computed.padding.map(([before, after]) => `${before} + ${after}`);
      padding_note.textContent = `${pools ? "Padding" : "Zero padding"}: rows ${rows}, columns ${columns}`;
      linked.box.checked = state.linked === "yes";
      numbers.box.checked = state.numbers === "on";
      filters.hidden = group_row.hidden = pools;
      alone.hidden = !pools;
      const fits = divisors(state.channels, state.filters);
      const offered = fits.includes(state.groups) ? fits : [...fits, state.groups];
      fill(groups, offered.map((g) => h("option", { value: g, selected: g === state.groups }, fits.includes(g) ? g : `${g} (does not fit)`)));
    },
  };
}

/** @param {Record<string, string>} names @param {(name: string) => void} choose */
function choices(names, choose) {
  return Object.entries(names).map(([name, title]) => ({ name, button: h("button", { onclick: () => choose(name) }, title) }));
}

/** @param {string} letter @param {string} title */
const legend = (letter, title) => h("legend", {}, h("strong", { class: "number" }, letter), " ", h("span", { class: "small soft" }, title));
