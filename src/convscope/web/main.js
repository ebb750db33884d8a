// Starts the page of a network: reads the bundle, loads its layer kinds, keeps the hash, mounts the tabs.

import { asked, remember, take_language } from "#web/address.js";
import { picture_bytes, read_bundle } from "#web/core/bundle.js";
import { create_store } from "#web/core/fields.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { create_training } from "#web/core/moments.js";
import { self_test } from "#web/core/self_test.js";
import { create_session } from "#web/core/session.js";
import { format_hash, parse_hash } from "#web/core/state.js";
import { keep_hash } from "#web/hash.js";
import { error_message, fill } from "#web/view/dom.js";
import { mount as mount_lesson } from "#web/view/lesson.js";
import { mount as mount_moment_bar } from "#web/view/moment_bar.js";
import { mount as mount_shell } from "#web/view/shell.js";
import { use_server } from "#web/server.js";
import { use_worker } from "#web/worker_engine.js";

/** @typedef {import("#web/core/session.js").Session} Session */

/** The tab of each part that can be shown alone. @type {Record<string, string>} */
const EMBEDDED = { network: "network", pad: "network", matrix: "evaluation" };
const MAX_WAIT = 500; // milliseconds: a tab in the background never paints

take_language();
const element = /** @type {HTMLElement} */ (document.getElementById("page"));
start().catch((error) => fill(element, error_message(error)));

async function start() {
  const embed = embedded();
  const bundle = read_bundle(document.getElementById("bundle")?.textContent ?? "");
  const [pixels] = await Promise.all([picture_bytes(bundle.pictures), load_kinds(bundle.network.layers.map(({ kind }) => kind))]);
  const session = create_session(bundle, pixels);
  const first = first_state(session);
  const store = create_store({ ...first, tab: EMBEDDED[embed] ?? first.tab });
  const training = create_training(session);
  session.select(store.get());
  use_server(session);
  /** @type {(value?: undefined) => void} */
  let idle = () => {};
  use_worker(session, new Promise((resolve) => (idle = resolve)));
  const shell = mount_shell(element, session, store);
  mount_moment_bar(document.body, session, store);
  const step = asked("lesson");
  if (step !== null) mount_lesson(element, session, store, { asked: step, remember: (now) => remember("lesson", now) });
  const use_moment = async () => {
    await training.choose(store.get().moment);
    const state = store.get();
    session.select(state);
    // every view shows something that depends on the weights
    shell.update(state, { ...state, picture: "", off: "", layer: -1, moment: NaN });
  };
  store.subscribe((state, old) => {
    if (state.moment !== old.moment) use_moment();
    if (state.picture !== old.picture || state.off !== old.off) session.select(state);
    shell.update(state, old);
  });
  history.scrollRestoration = "manual"; // each tab restores its own place
  keep_hash(store, { write: format_hash, read: () => linked(session), is_visit: (state, old) => state.tab !== old.tab });
  window.addEventListener("beforeprint", () => shell.complete());
  window.addEventListener("afterprint", () => shell.printed());
  document.documentElement.dataset.drawn = String(Math.round(performance.now()));
  after_paint(() => {
    shell.show_self_test(tested(session));
    document.documentElement.dataset.proven = String(Math.round(performance.now()));
    idle();
    if (store.get().moment >= 0) use_moment();
  });
}

/** What the query asks for: one part alone (`?embed=network`, `pad` or `matrix`), and large text (`?size=large`). */
function embedded() {
  const embed = asked("embed") ?? "";
  if (embed in EMBEDDED) document.documentElement.dataset.embed = embed;
  if (asked("size") === "large") document.documentElement.dataset.size = "large";
  return embed;
}

/** The first image does not wait for the self-test. @param {() => void} work */
function after_paint(work) {
  let done = false;
  const once = () => {
    if (!done) work();
    done = true;
  };
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(once)));
  setTimeout(once, MAX_WAIT);
}

/** @param {Session} session */
function tested(session) {
  try {
    return self_test(session);
  } catch {
    return null;
  }
}

/** The link's view; without a picture in it, the first of the gallery. @param {Session} session */
function first_state(session) {
  const state = linked(session);
  return { ...state, picture: state.picture || (session.bundle.pictures.entries.length ? "p0" : "") };
}

/** A link may have been edited by hand: there is no layer after the last. @param {Session} session */
function linked(session) {
  const state = parse_hash(location.hash);
  return { ...state, layer: Math.min(Math.max(state.layer, 0), session.bundle.network.layers.length - 1) };
}
