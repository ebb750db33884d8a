// The address follows the state, and the state the address: every view is a link.

const HASH_DELAY = 250; // browsers refuse hundreds of changes of the address in a row

/**
 * @template {object} S
 * @param {import("#web/core/fields.js").Store<S>} store
 * @param {object} words
 * @param {(state: S) => string} words.write "" or "#…"
 * @param {() => S} words.read what the address says now
 * @param {(state: S, old: S) => boolean} [words.leaves] whether a change is one that the back button undoes
 */
export function keep_hash(store, { write, read, leaves = () => false }) {
  if (location.protocol === "about:") return; // a notebook's cell: the page there has no address of its own
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  store.subscribe((state, old) => {
    clearTimeout(timer);
    const left = leaves(state, old);
    const say = () => {
      const hash = write(state) || "#";
      if (left) history.pushState(null, "", hash);
      else history.replaceState(null, "", hash);
    };
    if (left) say();
    else timer = setTimeout(say, HASH_DELAY);
  });
  window.addEventListener("popstate", () => store.set(read()));
  window.addEventListener("hashchange", () => store.set(read()));
}
