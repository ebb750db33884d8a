// The prediction as a headline, and a bar for every class: a chosen class is the one that edges and explanation are about.

import { softmax } from "#web/core/activations.js";
import { read_familiarity } from "#web/core/familiarity.js";
import { percent } from "#web/core/scale.js";
import { existing_off, has_ink } from "#web/core/session.js";
import { word } from "#web/core/words.js";
import { fill, h, write } from "#web/view/dom.js";
import { familiarity_panel, is_unusual } from "#web/view/familiarity.js";

/** @typedef {import("#web/core/state.js").State} State */

const IN_ORDER = 12; // more classes than these are sorted by probability
const QUIET = 600; // milliseconds: a screen reader hears the prediction when the pen rests

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const names = bundle.class_names;
  const head = h("p", { class: "prediction-head" });
  const [label, chance] = [h("span", { class: "prediction-class" }), h("span", {})]; // a box of fixed size: each answer would cost a layout of the page
  const note = h("p", { class: "prediction-note small soft" });
  const familiarity_of = read_familiarity(session);
  const unknown = familiarity_panel(session, store);
  const spoken = h("p", { class: "visually-hidden", role: "status" });
  const rows = names.map((name, k) => row(name, k));
  const bars = h("div", { class: "prediction-bars", role: "listbox", tabindex: 0, "aria-label": word("prediction.list"), onkeydown: key, onscroll: cue }, rows.map(({ element: one }) => one));
  const more = names.length > IN_ORDER && h("p", { class: "prediction-more small soft" }, word("prediction.sorted", { count: names.length }));
  fill(head, label, h("span", { class: "prediction-probability number" }, chance));
  fill(element, h("h2", {}, word("prediction.title")), head, note, unknown.element, more, bars, spoken);
  const familiar = new WeakMap(); // of activations: the head and the details ask for it
  /** @type {number[]} */
  let order = [...names.keys()];
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let quiet;
  const resized = new ResizeObserver(cue); // to ask for the height after each answer would cost a layout
  resized.observe(bars);
  show(store.get());
  explain(store.get());

  /** @param {string} name @param {number} k */
  function row(name, k) {
    const [track, number] = [h("span", { class: "prediction-fill" }), h("span", { class: "number small" })];
    const one = h("div", { class: "prediction-bar", role: "option", id: `class-${k}`, onclick: () => choose(k) },
      h("span", { class: "prediction-name", title: name }, name), h("span", { class: "prediction-track" }, track), number);
    return { element: one, track, number };
  }

  /** What is read while the pen moves. @param {State} state */
  function show(state) {
    const words = nothing();
    element.classList.toggle("prediction-empty", Boolean(words));
    if (!session.activations || words) {
      element.classList.remove("prediction-unknown");
      write(label, words?.[0] ?? "");
      return write(chance, "");
    }
    const { probabilities, first, known, said } = result(state, session.activations);
    write(label, said);
    label.classList.toggle("prediction-long", said.length > 6);
    write(chance, known ? percent(probabilities[first]) : "");
    element.classList.toggle("prediction-unknown", !known);
    rows.forEach(({ track }, k) => {
      track.style.transform = `scaleX(${probabilities[k].toFixed(4)})`;
    });
  }
  /** Texts and numbers, which nobody reads while the pen moves. @param {State} state */
  function explain(state) {
    const words = nothing();
    if (!session.activations || words) {
      unknown.show(null, "");
      note.classList.remove("prediction-unusual");
      write(note, words?.[1] ?? "");
      return say(words?.[0] === "–" ? "" : words?.join(". ") ?? "");
    }
    const { probabilities, first, known, said, familiarity } = result(state, session.activations);
    write(note, `${about(state, first)} ${familiarity ? unknown.rank(familiarity) : ""}`);
    note.classList.toggle("prediction-unusual", familiarity !== null && is_unusual(familiarity));
    unknown.show(familiarity, names[first]);
    const selected = state.target >= 0 && state.target < names.length ? state.target : first;
    rows.forEach(({ element: one, number }, k) => {
      one.classList.toggle("first", k === first);
      one.setAttribute("aria-selected", String(k === selected));
      write(number, percent(probabilities[k]));
    });
    bars.setAttribute("aria-activedescendant", `class-${selected}`);
    if (more) sort(probabilities);
    say(known ? `${names[first]}, ${percent(probabilities[first])}` : said);
  }
  /** @param {State} state @param {import("#web/core/network.js").Activations} activations */
  function result(state, activations) {
    const probabilities = softmax(activations.logits, bundle.temperature);
    const first = probabilities.indexOf(Math.max(...probabilities));
    if (!familiar.has(activations)) familiar.set(activations, familiarity_of(state));
    /** @type {import("#web/core/familiarity.js").Answer|null} */
    const familiarity = familiar.get(activations);
    const known = !familiarity || familiarity.known;
    return { probabilities, first, known, familiarity, said: known ? names[first] : word("unknown.title") };
  }
  /** What is shown instead of a prediction. @returns {[string, string]|null} */
  function nothing() {
    if (!has_ink(session)) return [word("prediction.blank"), word(bundle.preprocessing.fit === "mnist" ? "prediction.no_digit" : "prediction.equal")];
    return session.activations ? null : ["–", word("prediction.none")];
  }
  /** @param {Float64Array} probabilities */
  function sort(probabilities) {
    const now = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    if (now.some((k, at) => k !== order[at])) bars.append(...now.map((k) => rows[k].element));
    order = now;
  }
  /** Whether more classes follow below. */
  function cue() {
    bars.classList.toggle("prediction-cut", bars.scrollTop + bars.clientHeight < bars.scrollHeight - 4);
  }
  /** @param {string} text */
  function say(text) {
    clearTimeout(quiet);
    quiet = setTimeout(() => void (spoken.textContent !== text && (spoken.textContent = text)), QUIET);
  }
  /** @param {number} k */
  function choose(k) {
    store.set({ target: store.get().target === k ? -1 : k });
  }
  /** @param {KeyboardEvent} event */
  function key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") return store.set({ target: -1 });
    if (!step || !session.activations) return;
    event.preventDefault();
    const selected = Number(bars.getAttribute("aria-activedescendant")?.slice(6));
    const target = order[(order.indexOf(selected) + step + order.length) % order.length];
    store.set({ target });
    rows[target].element.scrollIntoView({ block: "nearest" });
  }

  /** @param {State} state @param {number} predicted */
  function about(state, predicted) {
    const entry = state.picture.startsWith("p") ? bundle.pictures.entries[Number(state.picture.slice(1))] : null;
    const off = Object.keys(existing_off(bundle, state.off)).length ? ` ${word("prediction.off")}` : "";
    if (!entry) return word("prediction.here") + off;
    const image = word(bundle.pictures.part === "test" ? "prediction.test" : "prediction.validation", { index: entry.index }) + (entry.name ? ` (${entry.name})` : "");
    const verdict = word(entry.label === predicted ? "prediction.correct" : "prediction.wrong", { image, label: names[entry.label] });
    return `${verdict}${entry.known_wrong ? ` ${word("prediction.label_wrong")}` : ""}${off}`;
  }

  /** @param {State} state @param {State} old */
  const concerns = (state, old) => state.picture !== old.picture || state.off !== old.off || state.target !== old.target || state.moment !== old.moment;
  return {
    /** Where the bar of a class begins on the screen. @param {number} k @returns {{x: number, y: number}|null} null where it is not drawn */
    point(k) {
      const box = rows[k]?.element.getBoundingClientRect();
      const frame = bars.getBoundingClientRect();
      if (!box?.width) return null;
      return { x: box.left, y: Math.min(Math.max(box.top + box.height / 2, frame.top + 8), frame.bottom - 8) };
    },
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (concerns(state, old)) show(state);
    },
    /** The rest of it as a view that may follow later. */
    details: {
      /** @param {State} state @param {State} old */
      update: (state, old) => void (concerns(state, old) && explain(state)),
      destroy() {},
    },
    destroy() {
      clearTimeout(quiet);
      resized.disconnect();
    },
  };
}
