// While the page uses the weights of an earlier moment: a bar in every tab that states it and leads back.

import { is_earlier, moments_of } from "#web/core/moments.js";
import { word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";
import { moment_slider } from "#web/view/moment_slider.js";

/** @typedef {import("#web/core/state.js").State} State */

/**
 * @param {HTMLElement} element the bar is its last child
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  if (!moments_of(session.bundle).length) return { update() {}, destroy() {} };
  const slider = moment_slider(session, store);
  const bar = h("aside", { class: "moment-bar", "aria-label": word("moment.name") },
    h("strong", {}, word("moment.earlier")), slider.element,
    h("button", { onclick: () => store.set({ moment: -1 }) }, word("moment.back")));
  element.append(bar);
  /** @param {State} state */
  function update(state) {
    const shown = is_earlier(session.bundle, state.moment);
    if (bar.hidden === shown) bar.hidden = !shown;
    element.classList.toggle("has-moment-bar", shown);
    slider.update(state);
  }
  update(store.get());
  const unsubscribe = store.subscribe(update);
  return {
    update,
    destroy() {
      unsubscribe();
      slider.destroy();
      bar.remove();
    },
  };
}
