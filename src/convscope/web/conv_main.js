// Starts the page of a sliding window: reads its settings, keeps the hash, computes what the hyperparameters ask for.

import { create_store, write_hash } from "#web/core/fields.js";
import { fields_of, parse_hyperparameters } from "#web/core/hyperparameter_state.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { read_settings } from "#web/core/settings.js";
import { KINDS, SELECTION, compute_window } from "#web/core/sliding_window.js";
import { keep_hash } from "#web/hash.js";
import { error_message, fill } from "#web/view/dom.js";
import { mount } from "#web/view/sliding_window.js";

/** @typedef {import("#web/core/hyperparameter_state.js").HyperparameterState} HyperparameterState */

const element = /** @type {HTMLElement} */ (document.getElementById("page"));
start().catch((error) => fill(element, error_message(error)));

async function start() {
  const settings = read_settings(document.getElementById("bundle")?.textContent ?? "");
  await load_kinds(Object.values(KINDS));
  const fields = fields_of(settings);
  const read = () => parse_hyperparameters(fields, location.hash);
  const store = create_store(read());
  let computed = compute_window(settings, store.get());
  const view = mount(element, settings, store, { computed, reset: () => store.set(parse_hyperparameters(fields, "")) });
  view.update(store.get(), store.get(), computed);
  store.subscribe((state, old) => {
    if (changes_output(state, old)) computed = compute_window(settings, state);
    view.update(state, old, computed);
  });
  keep_hash(store, { write: (state) => write_hash(fields, /** @type {any} */ (state)), read });
  document.documentElement.dataset.drawn = String(Math.round(performance.now()));
}

/** Whether a hyperparameter changed, not only the selection. @param {HyperparameterState} state @param {HyperparameterState} old */
function changes_output(state, old) {
  const names = /** @type {(keyof HyperparameterState)[]} */ (Object.keys(state));
  return names.some((name) => !SELECTION.includes(name) && state[name] !== old[name]);
}
