// A training while it runs: how far it is, its curves, and the filters of its first convolution.

import { floats } from "#web/core/bundle.js";
import { color_bytes, kernel_pictures } from "#web/core/kernels.js";
import { count, largest_magnitude, percent } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { mount as mount_curves } from "#web/view/curves.js";
import { fill, h, paint_bytes } from "#web/view/dom.js";
import { paint_map } from "#web/view/feature_map.js";

/** @typedef {import("#web/bundle.d.ts").ArrayJson} ArrayJson */
/** @typedef {{name: string, input_shape: number[], output_shape: number[], weights: Record<string, ArrayJson>}} Kernel */
/** @typedef {{outcome: string, step?: number, total_steps?: number|null, history?: Record<string, any>[], kernel?: Kernel|null}} Training */

/**
 * @param {HTMLElement} element
 * @param {string} name of the run
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, name, store) {
  const status = h("p", { role: "status" }, word("watch.waiting"));
  const bar = h("progress", { max: 1, "aria-label": word("watch.progress") });
  const curves = h("section", { class: "card" });
  const kernels = h("section", { class: "card", hidden: true });
  fill(element, h("header", { class: "head" }, h("div", {}, h("h1", {}, word("watch.title", { name })), status, bar)), h("main", { class: "watch-layout" }, curves, kernels));
  curves.hidden = true;
  let shown = -1;
  /** @type {{destroy: () => void}|null} */
  let drawn = null;

  return {
    /** @param {Training} training */
    show(training) {
      if (training.outcome !== "training" || training.step === undefined) {
        if (shown < 0) status.textContent = word("watch.waiting");
        return;
      }
      const { step, total_steps, history = [] } = training;
      const steps = total_steps ? word("watch.of", { step: count(step), total: count(total_steps) }) : word("watch.step", { step: count(step) });
      status.textContent = with_accuracy(steps, history);
      if (total_steps) bar.value = step / total_steps;
      if (step === shown) return;
      shown = step;
      curves.hidden = !history.length;
      drawn?.destroy();
      const session = /** @type {any} */ ({ bundle: { history, training: { options: {} }, moments: null } });
      if (history.length) drawn = mount_curves(curves, session, store);
      show_kernel(kernels, training.kernel ?? null);
    },
    lost() {
      status.textContent = word("watch.lost");
    },
  };
}

/** @param {string} steps @param {Record<string, any>[]} history */
function with_accuracy(steps, history) {
  const measured = history.filter((row) => row.validation_accuracy !== null).at(-1);
  return measured ? word("watch.measured", { steps, rate: percent(measured.validation_accuracy) }) : steps;
}

/** @param {HTMLElement} element @param {Kernel|null} kernel */
function show_kernel(element, kernel) {
  element.hidden = !kernel;
  if (!kernel) return;
  const weights = Object.fromEntries(Object.entries(kernel.weights).map(([name, array]) => [name, floats(array)]));
  const pictures = kernel_pictures(weights, /** @type {any} */ (kernel));
  const most = Math.max(...pictures.map(({ slice }) => largest_magnitude(slice.data)));
  fill(element, h("h2", {}, word("kernels.title", { layer: kernel.name })), h("div", { class: "kernels", role: "img", "aria-label": word("watch.filters", { count: pictures.length }) }, pictures.map(({ input, slice }) => {
    const canvas = h("canvas", { "aria-hidden": "true" });
    if (input < 0) paint_bytes(canvas, slice.shape, color_bytes(slice));
    else paint_map(canvas, slice, 0, most);
    return h("span", { class: "kernel" }, canvas);
  })));
}
