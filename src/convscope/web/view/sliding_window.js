// The page of a sliding window: shapes, hyperparameters, the window, and how one value is computed.

import { FORMULA } from "#web/core/hyperparameters.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_hyperparameters } from "#web/view/hyperparameters.js";
import { mount as mount_output_value } from "#web/view/output_value.js";
import { shortcut } from "#web/view/shortcuts.js";
import { mount as mount_grids } from "#web/view/sliding_grids.js";

/** @typedef {import("#web/core/hyperparameter_state.js").HyperparameterState} HyperparameterState */
/** @typedef {import("#web/core/sliding_window.js").SlidingWindow} SlidingWindow */

const TITLES = /** @type {Record<string, string>} */ ({ conv: "Convolution", max: "Max pooling", average: "Average pooling" });

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/settings.js").Settings} settings
 * @param {import("#web/core/hyperparameter_state.js").HyperparameterStore} store
 * @param {{computed: SlidingWindow, reset: () => void}} start
 */
export function mount(element, settings, store, { computed, reset }) {
  const title = h("h1", {});
  const caption = h("p", { class: "conv-caption number" });
  const problem = h("p", { class: "conv-problem", role: "alert", hidden: true });
  const formulas = h("dl", { class: "conv-formulas" });
  const [shapes, hyperparameters, grids, terms] = ["shapes", "hyperparameters", "window", "terms"].map((name) => h("section", { class: `card conv-${name}-card` }));
  fill(shapes, caption, problem, formulas);
  fill(element, h("header", { class: "head" }, title), h("main", { class: "conv-page" }, shapes, hyperparameters, grids, terms));
  document.addEventListener("keydown", shortcut);
  const views = { hyperparameters: mount_hyperparameters(hyperparameters, settings, store, reset), grids: mount_grids(grids, store, computed), terms: mount_output_value(terms) };

  return {
    /** @param {HyperparameterState} state @param {HyperparameterState} old the same at first @param {SlidingWindow} computed */
    update(state, old, computed) {
      title.textContent = `${TITLES[computed.operation]} step by step`;
      fill(caption, computed.caption.split(" · ").flatMap((part, index) => [index > 0 && " · ", h("span", {}, part)]));
      problem.hidden = !computed.problem;
      const message = computed.problem ? `${computed.problem.sentence} ${computed.problem.hint}` : "";
      if (problem.textContent !== message) problem.textContent = message;
      fill(formulas, [["formula", FORMULA], ["rows", computed.formulas[0]], ["columns", computed.formulas[1]]].map(([name, text], index) =>
        h("div", { class: index ? "" : "soft" }, h("dt", { class: "small" }, name), h("dd", { class: "number" }, text))));
      views.hyperparameters.update(state, computed);
      views.grids.update(state, old, computed);
      views.terms.update(state, computed);
    },
  };
}
