// Keeps the URL hash and the state in step: every view is a link.

const HASH_DELAY = 250; // milliseconds: browsers refuse hundreds of address changes in a row

/**
 * @template {object} S
 * @param {import("#web/core/fields.js").Store<S>} store
 * @param {object} options
 * @param {(state: S) => string} options.write "" or "#…"
 * @param {() => S} options.read the state of the current hash
 * @param {(state: S, old: S) => boolean} [options.is_visit] whether the back button undoes a change
 */
export function keep_hash(store, { write, read, is_visit = () => false }) {
  if (location.protocol === "about:") return; // in a notebook cell the page has no address of its own
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  store.subscribe((state, old) => {
    clearTimeout(timer);
    const visit = is_visit(state, old);
    const update = () => {
      const hash = write(state) || "#";
      if (visit) history.pushState(null, "", hash);
      else history.replaceState(null, "", hash);
    };
    if (visit) update();
    else timer = setTimeout(update, HASH_DELAY);
  });
  window.addEventListener("popstate", () => store.set(read()));
  window.addEventListener("hashchange", () => store.set(read()));
}
