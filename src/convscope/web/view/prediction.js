// The prediction as a headline, the bars of all classes, and what is said of the prediction.

import { softmax } from "#web/core/activations.js";
import { read_familiarity } from "#web/core/familiarity.js";
import { percent } from "#web/core/scale.js";
import { has_ink } from "#web/core/selected_image.js";
import { existing_off } from "#web/core/session.js";
import { word } from "#web/core/words.js";
import { class_bars } from "#web/view/class_bars.js";
import { fill, h, write } from "#web/view/dom.js";
import { familiarity_panel, is_unusual } from "#web/view/familiarity.js";

/** @typedef {import("#web/core/state.js").State} State */

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
  const bars = class_bars(session, store);
  fill(head, label, h("span", { class: "prediction-probability number" }, chance));
  fill(element, h("h2", {}, word("prediction.title")), head, note, unknown.element, ...bars.elements, spoken);
  const familiar = new WeakMap(); // of activations: head, details and reasons ask for it
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let quiet;
  let explained = ""; // State.picture of the numbers and of the note
  for (const part of [show, explain, reason]) part(store.get());

  /** What is read while the pen moves. @param {State} state */
  function show(state) {
    const words = nothing();
    element.classList.toggle("prediction-behind", session.live && !explained.startsWith("d")); // numbers of an image beside the bars of a drawing
    element.classList.toggle("prediction-empty", Boolean(words));
    if (!session.activations || words) {
      element.classList.remove("prediction-unknown");
      unknown.show(null, "");
      write(label, words?.[0] ?? "");
      return write(chance, "");
    }
    const { probabilities, first, known, said } = result(state, session.activations);
    if (known) unknown.show(null, "");
    write(label, said);
    label.classList.toggle("prediction-long", said.length > 6);
    write(chance, known ? percent(probabilities[first]) : "");
    element.classList.toggle("prediction-unknown", !known);
    bars.show(probabilities);
  }
  /** Texts and numbers, which nobody reads while the pen moves. @param {State} state */
  function explain(state) {
    const words = nothing();
    explained = state.picture;
    element.classList.remove("prediction-behind");
    if (!session.activations || words) {
      note.classList.remove("prediction-unusual");
      write(note, words?.[1] ?? "");
      return say(words?.[0] === "–" ? "" : words?.join(". ") ?? "");
    }
    const { probabilities, first, known, said, familiarity } = result(state, session.activations);
    write(note, `${about(state, first)} ${familiarity ? unknown.rank(familiarity) : ""}`);
    note.classList.toggle("prediction-unusual", familiarity !== null && is_unusual(familiarity));
    bars.label(probabilities, first, state.target);
    say(known ? `${names[first]}, ${percent(probabilities[first])}` : said);
  }
  /** Why there is no class: much to lay out. @param {State} state */
  function reason(state) {
    if (!session.activations || nothing()) return;
    const { first, familiarity } = result(state, session.activations);
    unknown.show(familiarity, names[first]);
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
  /** @param {string} text */
  function say(text) {
    clearTimeout(quiet);
    quiet = setTimeout(() => void (spoken.textContent !== text && (spoken.textContent = text)), QUIET);
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
  /** @param {(state: State) => void} part */
  const view = (part) => ({ update: (/** @type {State} */ state, /** @type {State} */ old) => void (concerns(state, old) && part(state)), destroy() {} });
  return {
    point: bars.point,
    ...view(show),
    /** Parts that may follow later. */
    details: view(explain),
    reasons: view(reason),
    destroy() {
      clearTimeout(quiet);
      bars.destroy();
    },
  };
}
