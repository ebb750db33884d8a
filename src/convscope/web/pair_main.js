// Starts the page of two networks: one image goes through both.

import { take_language } from "#web/address.js";
import { picture_bytes, read_bundle } from "#web/core/bundle.js";
import { create_store } from "#web/core/fields.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { self_test } from "#web/core/self_test.js";
import { create_session } from "#web/core/session.js";
import { format_hash, parse_hash } from "#web/core/state.js";
import { keep_hash } from "#web/hash.js";
import { error_message, fill } from "#web/view/dom.js";
import { mount } from "#web/view/pair.js";

/** @typedef {import("#web/core/session.js").Session} Session */

take_language();
const element = /** @type {HTMLElement} */ (document.getElementById("page"));
start().catch((error) => fill(element, error_message(error)));

async function start() {
  const pair = JSON.parse(document.getElementById("bundle")?.textContent ?? "null");
  const [first, second] = [pair?.first, pair?.second].map((bundle) => read_bundle(JSON.stringify(bundle ?? null)));
  const pixels = await picture_bytes(first.pictures);
  await load_kinds([...first.network.layers, ...second.network.layers].map(({ kind }) => kind));
  const sessions = [create_session(first, pixels), create_session(second, pixels)];
  const read = () => parse_hash(location.hash);
  const state = read();
  const store = create_store({ ...state, picture: state.picture || (first.pictures.entries.length ? "p0" : "") });
  sessions.forEach((session) => session.select(store.get()));
  const view = mount(element, sessions, store, pair);
  store.subscribe((now, old) => {
    if (now.picture !== old.picture) sessions.forEach((session) => session.select(now));
    view.update(now, old);
  });
  keep_hash(store, { write: format_hash, read });
  view.show_self_test(sessions.every(passes));
}

/** @param {Session} session */
function passes(session) {
  try {
    return self_test(session).passed;
  } catch {
    return false;
  }
}
