// One number written out: which numbers it is made of, times which weights, and what happens to the sum.

import { short } from "#web/core/scale.js";
import { value_at } from "#web/core/taps.js";
import { terms } from "#web/core/terms.js";
import { fill, h } from "#web/view/dom.js";
import { ending, grids, list, softmax_lines, window_table } from "#web/view/written.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/terms.js").Terms} Terms */
/** @typedef {import("#web/core/lens.js").Lens} Lens */

/** Layers that change each number by itself. */
const ALONE = ["BatchNormalization", "ReLU", "Activation", "Dropout"];

/**
 * @param {HTMLElement} element
 * @param {Lens} lens
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, lens, store) {
  const head = h("h2", {}, "Where a number comes from");
  const body = h("div", { class: "number-body", "aria-live": "off" });
  const sum = h("output", { class: "number-sum number", "aria-live": "polite" });
  fill(element, head, sum, body);
  show(store.get());

  /** @param {State} state */
  function show(state) {
    const row = lens.bundle.network.layers[state.layer];
    const flat = row.output_shape.length !== 3;
    const [height, width] = flat ? [1, row.output_shape[0]] : row.output_shape;
    if (!lens.activations || state.row < 0 || state.row >= height || state.column >= width) {
      sum.textContent = "";
      fill(body, h("p", { class: "soft" }, lens.activations ? "Tap a pixel of the map, or press Play." : "Draw or choose a picture first."));
      return;
    }
    const channel = flat ? state.column : Math.min(state.channel, row.output_shape[2] - 1);
    const found = terms(lens.bundle.network, lens.weights, lens.activations, state.layer, state.row, state.column, channel);
    sum.textContent = said(found, lens, state);
    fill(body, where(row, state, channel), written(found, lens, state), afterwards(lens, state, channel));
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      const keys = /** @type {(keyof State)[]} */ (["picture", "off", "layer", "channel", "row", "column"]);
      if (keys.some((key) => state[key] !== old[key])) show(state);
    },
    destroy() {},
  };
}

/** @param {import("#web/bundle.d.ts").LayerJson} row @param {State} state @param {number} channel */
function where(row, state, channel) {
  const place = row.output_shape.length === 3 ? `map ${channel}, row ${state.row}, column ${state.column}` : `number ${channel}`;
  return h("p", { class: "small soft" }, `${row.name}, ${place} (counted from 0)`);
}

/** What the layers behind it make of this one number, as long as they change each number by itself. @param {Lens} lens @param {State} state @param {number} channel */
function afterwards({ bundle, activations }, state, channel) {
  const lines = [];
  for (let k = state.layer + 1; activations && ALONE.includes(bundle.network.layers[k]?.kind); k++) {
    const { name, kind } = bundle.network.layers[k];
    if (kind !== "Dropout") lines.push(h("li", {}, `then ${name}: `, h("strong", { class: "number" }, short(value_at(activations.layers[k].output, state.row, state.column, channel)))));
  }
  return lines.length ? h("ul", { class: "number-then small" }, lines) : null;
}

/** The whole sum in one line. @param {Terms} found @param {Lens} lens @param {State} state @returns {string} */
function said(found, lens, state) {
  switch (found.kind) {
    case "convolution":
    case "separable":
    case "dense": {
      const products = found.sum - found.bias;
      const line = `${short(products)} ${found.bias < 0 ? "−" : "+"} ${short(Math.abs(found.bias))} = ${short(found.sum)}`;
      return found.activation === "linear" ? line : `${line}  →  ${found.activation}  →  ${short(found.value)}`;
    }
    case "pooling":
      return `${found.winner === null ? "mean" : "largest"} of ${found.pixels.length} = ${short(found.value)}`;
    case "normalization":
      return `${short(found.gamma)} × (${short(found.input)} − ${short(found.mean)}) / √(${short(found.variance)} + ${found.epsilon}) + ${short(found.beta)} = ${short(found.value)}`;
    case "activation":
      return `${found.activation}(${short(found.input)}) = ${short(found.value)}`;
    case "flatten":
      return `${short(found.value)}, from map ${found.channel}, row ${found.row}, column ${found.column} of ${before(lens, state)}`;
    default:
      return `${short(found.value)}, unchanged`;
  }
}

/** @param {Terms} found @param {Lens} lens @param {State} state @returns {Node[]} */
function written(found, lens, state) {
  switch (found.kind) {
    case "convolution":
      return [h("p", { class: "small" }, "Each number of the window × the filter's weight, summed over all maps that it reads, plus the bias."), ...grids(found.channels, before(lens, state)), ending(found)];
    case "separable":
      return [
        h("p", { class: "small" }, "First each map alone is summed with its own window; then these sums are mixed."),
        ...grids(found.depthwise, before(lens, state)),
        list("Weighted sums of the maps", found.pointwise.map(({ index, input, weight, product }) => ({ name: `map ${index}`, input, weight, product }))),
        ending(found),
      ];
    case "dense":
      return [
        list("The largest contributions, for (+) and against (−)", found.contributions.map(({ index, input, weight, product }) => ({ name: origin(lens, state, index), input, weight, product })), found.rest, found.rest_count),
        ending(found),
        ...(found.softmax ? softmax_lines(found.softmax, lens.bundle.class_names, lens.bundle.temperature) : []),
      ];
    case "pooling":
      return [window_table(found.pixels, found.winner)];
    case "normalization":
      return [h("p", { class: "small" }, "gamma × (value − mean) / √(variance + epsilon) + beta: mean and variance were kept from training.")];
    case "activation":
      return found.softmax ? softmax_lines(found.softmax, lens.bundle.class_names, lens.bundle.temperature) : [];
    default:
      return [];
  }
}

/** @param {Lens} lens @param {State} state @returns {string} */
function before({ bundle }, state) {
  return state.layer > 0 ? bundle.network.layers[state.layer - 1].name : "the picture";
}

/** A number of a flat row by the map it came from. @param {Lens} lens @param {State} state @param {number} index */
function origin({ bundle }, state, index) {
  for (let k = state.layer - 1; k >= 0; k--) {
    const row = bundle.network.layers[k];
    if (row.kind === "Flatten" && row.input_shape.length === 3) {
      const [, width, channels] = row.input_shape;
      const place = Math.floor(index / channels);
      return `map ${index % channels} (${Math.floor(place / width)}, ${place % width})`;
    }
    if (row.kind === "GlobalAveragePooling2D") return `map ${index}`;
    if (row.kind === "Dense") break;
  }
  return `number ${index}`;
}
