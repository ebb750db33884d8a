// The answer of the server that the page came from, and whether it is that of the page.

import { softmax } from "#web/core/activations.js";
import { read_familiarity } from "#web/core/familiarity.js";
import { is_earlier } from "#web/core/moments.js";
import { percent } from "#web/core/scale.js";
import { has_ink } from "#web/core/selected_image.js";
import { existing_off } from "#web/core/session.js";
import { word } from "#web/core/words.js";
import { h, paint_bytes, write } from "#web/view/dom.js";

/** @typedef {import("#web/core/session.js").Session} Session */
/** @typedef {import("#web/core/session.js").ServerAnswer} ServerAnswer */
/** @typedef {import("#web/core/state.js").State} State */

const WAIT = 300; // milliseconds: the server is asked when the pen rests

/**
 * @param {HTMLElement} element
 * @param {Session} session with a server
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const line = h("p", { class: "server-answer small soft", role: "status" });
  const familiarity_of = read_familiarity(session);
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let waiting;
  let asked = 0;
  element.append(line);
  show(store.get());

  /** @param {State} state */
  function show(state) {
    clearTimeout(waiting);
    asked += 1;
    const comparable = session.selected && !is_earlier(session.bundle, state.moment) && !Object.keys(existing_off(session.bundle, state.off)).length;
    line.hidden = !comparable;
    if (comparable) waiting = setTimeout(ask, WAIT, state, asked);
  }

  /** @param {State} state @param {number} turn */
  async function ask(state, turn) {
    let [text, differs] = ["", false];
    try {
      const body = await file_of(session, state);
      const answer = body && (await session.server?.(body));
      if (answer) [text, differs] = compared(answer, own_answer(state));
    } catch (error) {
      [text, differs] = [word("server.failed", { reason: error instanceof Error ? error.message : String(error) }), true];
    }
    if (turn !== asked) return;
    write(line, text);
    line.classList.toggle("server-differs", differs);
  }

  /** What the page says. @param {State} state @returns {{name: string, chance: string}} */
  function own_answer(state) {
    const { bundle, activations } = session;
    if (!activations || !has_ink(session)) return { name: word("prediction.blank"), chance: "" };
    if (familiarity_of(state)?.known === false) return { name: word("unknown.title"), chance: "" };
    const probabilities = softmax(activations.logits, bundle.temperature);
    const first = probabilities.indexOf(Math.max(...probabilities));
    return { name: bundle.class_names[first], chance: percent(probabilities[first]) };
  }
  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.picture !== old.picture || state.off !== old.off || state.moment !== old.moment) show(state);
    },
    destroy: () => clearTimeout(waiting),
  };
}

/** @param {ServerAnswer} answer @param {{name: string, chance: string}} own @returns {[string, boolean]} the line, and whether the classes differ */
function compared(answer, own) {
  const first = answer.choices[0];
  const name = first?.name ?? word(answer.answer === "unknown" ? "unknown.title" : "prediction.blank");
  const chance = first ? percent(first.probability) : "";
  const said = first ? `${name}, ${chance}` : name;
  if (name !== own.name) return [word("server.differs", { said, own: own.name }), true];
  return [chance === own.chance ? word("server.same", { said }) : word("server.close", { said, own: own.chance }), false];
}

/** The file that was given to the page; of another image, a file of what the network sees. @param {Session} session @param {State} state @returns {Promise<Blob|null>} */
function file_of({ bundle, given, selected }, state) {
  if (given?.picture === state.picture) return Promise.resolve(given.file);
  if (!selected) return Promise.resolve(null);
  const canvas = h("canvas");
  paint_bytes(canvas, bundle.network.input_shape, selected);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
