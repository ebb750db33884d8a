// How the network learned: at each moment its accuracy, its confusion matrix, its filters, and the selected image.

import { softmax } from "#web/core/activations.js";
import { kernel_pictures } from "#web/core/kernels.js";
import { accuracy_of, moment_index, moment_title, moments_of, session_at, trained } from "#web/core/moments.js";
import { count, percent } from "#web/core/scale.js";
import { parse_off } from "#web/core/state.js";
import { part_name, word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_kernels } from "#web/view/kernels.js";
import { small_matrix } from "#web/view/small_matrix.js";
import { moment_slider } from "#web/view/moment_slider.js";

/** @typedef {import("#web/core/session.js").Session} Session */
/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/state.js").Store} Store */

/**
 * @param {HTMLElement} element
 * @param {Session} session
 * @param {Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const moments = moments_of(bundle);
  element.hidden = !moments.length;
  if (!moments.length) return { update() {}, destroy() {} };
  const slider = moment_slider(session, store);
  const head = h("tr", {}, h("td", {}), moments.map((_, at) => h("th", { scope: "col" }, h("button", { onclick: () => store.set({ moment: at === moments.length - 1 ? -1 : at }) }, moment_title(bundle, at)))));
  const answers = moments.map(() => h("td", {}));
  const rates = moments.map(({ confusion }) => accuracy_of(confusion));
  const matrix = h("div", {});
  const kernels = h("div", {});
  const first = Math.max(0, bundle.network.layers.findIndex((row) => kernel_pictures(session.weights, row).length));
  const own_store = { ...store, get: () => ({ ...store.get(), layer: first }) };
  const filters = mount_kernels(kernels, session, own_store);
  fill(element, h("h2", {}, word("learning.title")), h("p", { class: "small soft" }, summary(bundle)), slider.element,
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": word("learning.region") },
      h("table", { class: "moment-table" }, h("thead", {}, head), h("tbody", {},
        h("tr", {}, h("th", { scope: "row" }, word("learning.accuracy")), rates.map((rate) => h("td", {}, rate === null ? "–" : bar(rate)))),
        h("tr", {}, h("th", { scope: "row" }, word("learning.selected")), answers)))),
    h("div", { class: "evaluation-panels" }, matrix, kernels));
  let classified = "";
  show(store.get());
  classify();

  /** @param {State} state */
  function show(state) {
    const index = moment_index(bundle, state.moment);
    slider.update(state);
    [...head.children].slice(1).forEach((cell, at) => cell.firstElementChild?.setAttribute("aria-pressed", String(at === index)));
    fill(matrix, h("h3", {}, word("learning.matrix", { moment: moment_title(bundle, index) })), small_matrix(moments[index].confusion, bundle.class_names));
  }

  async function classify() {
    const image = session.activations?.image;
    const { picture, off } = store.get();
    if (classified === `${picture} ${off}`) return;
    classified = `${picture} ${off}`;
    for (const [at, cell] of answers.entries()) {
      const one = at < moments.length - 1 ? await session_at(session, at) : trained(session);
      if (store.get().picture !== picture) return;
      const found = image && softmax(one.run(image, parse_off(off)).logits, bundle.temperature);
      const best = found ? found.indexOf(Math.max(...found)) : -1;
      fill(cell, found ? [h("strong", { class: "moment-answer" }, bundle.class_names[best]), bar(found[best])] : "–");
    }
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.moment !== old.moment) show(state);
      filters.update({ ...state, layer: first }, { ...old, layer: first });
      if (state.picture !== old.picture || state.off !== old.off) classify();
    },
    destroy: slider.destroy,
  };
}

/** @param {number} fraction */
const bar = (fraction) => h("span", { class: "moment-bar-value" }, h("span", { class: "number" }, percent(fraction)),
  h("span", { class: "moment-fraction", style: `--fraction: ${(100 * fraction).toFixed(1)}%`, "aria-hidden": "true" }));

/** @param {Session["bundle"]} bundle */
function summary({ moments, pictures }) {
  if (!moments) return "";
  return [
    word("learning.summary", { count: moments.moments.length }),
    moments.images && word("learning.images", { count: count(moments.images), part: part_name(pictures.part) }),
    word("learning.rounded", { bits: moments.bits }),
    moments.dropped && word("learning.omitted", { count: moments.dropped }),
  ].filter(Boolean).join(" ");
}
