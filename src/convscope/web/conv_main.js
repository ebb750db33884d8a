// Starts the page of a sliding window: reads its settings, keeps the hash, computes what the letters ask for.

import { create_store, write_hash } from "#web/core/fields.js";
import { fields_of, parse_letters } from "#web/core/letter_state.js";
import { read_settings } from "#web/core/settings.js";
import { PLACE, slide } from "#web/core/sliding.js";
import { keep_hash } from "#web/hash.js";
import { fill, h } from "#web/view/dom.js";
import { mount } from "#web/view/sliding.js";

/** @typedef {import("#web/core/letter_state.js").LetterState} LetterState */

start();

function start() {
  const element = /** @type {HTMLElement} */ (document.getElementById("page"));
  try {
    const settings = read_settings(document.getElementById("bundle")?.textContent ?? "");
    const fields = fields_of(settings);
    const read = () => parse_letters(fields, location.hash);
    const store = create_store(read());
    let made = slide(settings, store.get());
    const view = mount(element, settings, store, { made, reset: () => store.set(parse_letters(fields, "")) });
    view.update(store.get(), store.get(), made);
    store.subscribe((state, old) => {
      if (is_other(state, old)) made = slide(settings, state);
      view.update(state, old, made);
    });
    keep_hash(store, { write: (state) => write_hash(fields, /** @type {any} */ (state)), read });
    document.documentElement.dataset.drawn = String(Math.round(performance.now()));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    fill(element, h("main", { class: "broken", role: "alert" }, h("h1", {}, "This page cannot be shown"), h("p", {}, message)));
  }
}

/** Whether a letter changed, and not only the place that is looked at. @param {LetterState} state @param {LetterState} old */
function is_other(state, old) {
  const names = /** @type {(keyof LetterState)[]} */ (Object.keys(state));
  return names.some((name) => !PLACE.includes(name) && state[name] !== old[name]);
}
