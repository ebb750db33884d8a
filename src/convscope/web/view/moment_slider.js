// A slider over the moments of the training.

import { moment_index, moment_title, moments_of } from "#web/core/moments.js";
import { word } from "#web/core/words.js";
import { h } from "#web/view/dom.js";

/** @typedef {import("#web/core/state.js").State} State */

const PAUSE = 800; // milliseconds between moments while it plays

/**
 * @param {import("#web/core/session.js").Session} session its bundle has moments
 * @param {import("#web/core/state.js").Store} store
 * @returns {{element: HTMLElement, update: (state: State) => void, destroy: () => void}}
 */
export function moment_slider({ bundle }, store) {
  const last = moments_of(bundle).length - 1;
  const range = h("input", { type: "range", min: 0, max: last, step: 1, "aria-label": word("moment.name"), oninput: () => {
    stop();
    show(Number(range.value));
  } });
  const title = h("output", { class: "moment-title" });
  const play = h("button", { onclick: () => (timer ? stop() : start()) }, word("moment.play"));
  let timer = 0;
  update(store.get());

  /** @param {number} index */
  function show(index) {
    store.set({ moment: index === last ? -1 : index });
  }
  function start() {
    let at = moment_index(bundle, store.get().moment);
    if (at === last) show((at = 0));
    timer = window.setInterval(() => {
      show((at += 1));
      if (at >= last) stop();
    }, PAUSE);
    play.textContent = word("moment.stop");
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = word("moment.play");
  }
  /** @param {State} state */
  function update(state) {
    const index = moment_index(bundle, state.moment);
    range.value = String(index);
    const text = moment_title(bundle, index);
    if (title.textContent !== text) title.textContent = text; // a screen reader hears every change
    range.setAttribute("aria-valuetext", text);
  }
  return { element: h("div", { class: "moment-slider" }, play, range, title), update, destroy: stop };
}
