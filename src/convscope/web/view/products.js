// Where one number of a window comes from: the tables it is made of.

import { numeral } from "#web/core/numeral.js";
import { place_in, terms_at } from "#web/core/sliding.js";
import { fill, h } from "#web/view/dom.js";
import { grids, window_table } from "#web/view/written.js";

/** @typedef {import("#web/core/letter_state.js").LetterState} LetterState */

/** @param {HTMLElement} element */
export function mount(element) {
  const body = h("div", { class: "number-body" });
  fill(element, h("h2", {}, "Where the number comes from"), body);
  return {
    /** @param {LetterState} state @param {import("#web/core/sliding.js").Slide} made */
    update(state, made) {
      if (!made.output) return fill(body, h("p", { class: "soft" }, "Nothing comes out of this combination."));
      const { row, column, filter } = place_in(made, state);
      const found = terms_at(made, row, column, filter);
      const where = made.filters > 1 ? `filter ${filter}, row ${row}, column ${column}` : `row ${row}, column ${column}`;
      const source = found.kind === "convolution" && found.channels.length === 1 && made.input.shape[2] > 1 ? `channel ${found.channels[0].channel} of the input` : "the input";
      fill(body, h("p", { class: "small soft" }, `Output ${where} (counted from 0)`),
        found.kind === "convolution" ? grids(found.channels, source, { shown: Infinity, noun: "channel", edge: "0", format: numeral }) : window_table(found.pixels, found.winner, numeral));
    },
  };
}
