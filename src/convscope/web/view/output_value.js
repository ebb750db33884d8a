// How one value of the output is computed.

import { format_number } from "#web/core/number_format.js";
import { place_in, terms_at } from "#web/core/sliding_window.js";
import { fill, h } from "#web/view/dom.js";
import { pixel_table, window_tables } from "#web/view/terms.js";

/** @typedef {import("#web/core/hyperparameter_state.js").HyperparameterState} HyperparameterState */

/** @param {HTMLElement} element */
export function mount(element) {
  const body = h("div", { class: "terms-body" });
  fill(element, h("h2", {}, "How a value is computed"), body);
  return {
    /** @param {HyperparameterState} state @param {import("#web/core/sliding_window.js").SlidingWindow} computed */
    update(state, computed) {
      if (!computed.output) return fill(body, h("p", { class: "soft" }, "This combination has no output."));
      const { row, column, filter } = place_in(computed, state);
      const found = terms_at(computed, row, column, filter);
      const where = computed.filters > 1 ? `filter ${filter}, row ${row}, column ${column}` : `row ${row}, column ${column}`;
      const source = found.kind === "convolution" && found.channels.length === 1 && computed.input.shape[2] > 1 ? `channel ${found.channels[0].channel} of the input` : "the input";
      fill(body, h("p", { class: "small soft" }, `Output ${where} (zero-based)`),
        found.kind === "convolution" ? window_tables(found.channels, source, { shown: Infinity, noun: "name.channel_of", edge: "0", format: format_number }) : pixel_table(found.pixels, found.winner, format_number));
    },
  };
}
