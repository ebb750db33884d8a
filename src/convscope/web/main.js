// Starts the page of a network: reads the bundle, keeps the hash, mounts the rooms.

import { read_bundle } from "#web/core/bundle.js";
import { create_store } from "#web/core/fields.js";
import { create_lens } from "#web/core/lens.js";
import { prove } from "#web/core/prove.js";
import { format_hash, parse_hash } from "#web/core/state.js";
import { h, fill } from "#web/view/dom.js";
import { mount as mount_shell } from "#web/view/shell.js";
import { keep_hash } from "#web/hash.js";

const PAINT_AT_LATEST = 500;

start();

function start() {
  const element = /** @type {HTMLElement} */ (document.getElementById("page"));
  try {
    const lens = create_lens(read_bundle(document.getElementById("bundle")?.textContent ?? ""));
    const store = create_store(first_state(lens));
    lens.look(store.get());
    const shell = mount_shell(element, lens, store);
    store.subscribe((state, old) => {
      if (state.picture !== old.picture || state.off !== old.off) lens.look(state);
      shell.update(state, old);
    });
    keep_hash(store, { write: format_hash, read: () => linked(lens), leaves: (state, old) => state.tab !== old.tab });
    window.addEventListener("beforeprint", () => shell.complete());
    document.documentElement.dataset.drawn = String(Math.round(performance.now()));
    after_paint(() => {
      shell.proven(checked(lens));
      document.documentElement.dataset.proven = String(Math.round(performance.now()));
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    fill(element, h("main", { class: "broken", role: "alert" }, h("h1", {}, "This page cannot be shown"), h("p", {}, message)));
  }
}

/** The first picture does not wait for the proof; a tab in the background paints nothing, and proves all the same. @param {() => void} work */
function after_paint(work) {
  let done = false;
  const once = () => {
    if (!done) work();
    done = true;
  };
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(once)));
  setTimeout(once, PAINT_AT_LATEST);
}

/** @param {import("#web/core/lens.js").Lens} lens */
function checked(lens) {
  try {
    return prove(lens);
  } catch {
    return null;
  }
}

/** The link's view; without a picture in it, the first of the gallery. @param {import("#web/core/lens.js").Lens} lens */
function first_state(lens) {
  const state = linked(lens);
  return { ...state, picture: state.picture || (lens.bundle.pictures.entries.length ? "p0" : "") };
}

/** A link may have been changed by hand: there is no layer behind the last. @param {import("#web/core/lens.js").Lens} lens */
function linked(lens) {
  const state = parse_hash(location.hash);
  return { ...state, layer: Math.min(Math.max(state.layer, 0), lens.bundle.network.layers.length - 1) };
}
