// A bar for every class: a chosen class is the one that edges and explanation are about.

import { percent } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { h, write } from "#web/view/dom.js";

const IN_ORDER = 12; // more classes than these are sorted by probability

/**
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function class_bars(session, store) {
  const names = session.bundle.class_names;
  const rows = names.map((name, k) => row(name, k));
  const element = h("div", { class: "prediction-bars", role: "listbox", tabindex: 0, "aria-label": word("prediction.list"), onkeydown: key, onscroll: cue }, rows.map(({ element: one }) => one));
  const more = names.length > IN_ORDER && h("p", { class: "prediction-more small soft" }, word("prediction.sorted", { count: names.length }));
  /** @type {number[]} */
  let order = [...names.keys()];
  const resized = new ResizeObserver(cue); // to ask for the height after each answer would cost a layout
  resized.observe(element);

  /** @param {string} name @param {number} k */
  function row(name, k) {
    const [track, number] = [h("span", { class: "prediction-fill" }), h("span", {})];
    const one = h("div", { class: "prediction-bar", role: "option", id: `class-${k}`, onclick: () => choose(k) },
      h("span", { class: "prediction-name", title: name }, name), h("span", { class: "prediction-track" }, track), h("span", { class: "number small" }, number));
    return { element: one, track, number };
  }
  /** @param {Float64Array} probabilities */
  function sort(probabilities) {
    const now = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    if (now.some((k, at) => k !== order[at])) element.append(...now.map((k) => rows[k].element));
    order = now;
  }
  /** Whether more classes follow below. */
  function cue() {
    element.classList.toggle("prediction-cut", element.scrollTop + element.clientHeight < element.scrollHeight - 4);
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
    const selected = Number(element.getAttribute("aria-activedescendant")?.slice(6));
    const target = order[(order.indexOf(selected) + step + order.length) % order.length];
    store.set({ target });
    rows[target].element.scrollIntoView({ block: "nearest" });
  }

  return {
    elements: [more, element],
    /** What is read while the pen moves. @param {Float64Array} probabilities */
    show(probabilities) {
      rows.forEach(({ track }, k) => {
        track.style.transform = `scaleX(${probabilities[k].toFixed(4)})`;
      });
    },
    /** The numbers, and which class is predicted and which is chosen. @param {Float64Array} probabilities @param {number} first @param {number} target State.target */
    label(probabilities, first, target) {
      const selected = target >= 0 && target < names.length ? target : first;
      rows.forEach(({ element: one, number }, k) => {
        one.classList.toggle("first", k === first);
        one.setAttribute("aria-selected", String(k === selected));
        write(number, percent(probabilities[k]));
      });
      element.setAttribute("aria-activedescendant", `class-${selected}`);
      if (more) sort(probabilities);
    },
    /** Where the bar of a class begins on the screen. @param {number} k @returns {{x: number, y: number}|null} null where it is not drawn */
    point(k) {
      const box = rows[k]?.element.getBoundingClientRect();
      const frame = element.getBoundingClientRect();
      if (!box?.width) return null;
      return { x: box.left, y: Math.min(Math.max(box.top + box.height / 2, frame.top + 8), frame.bottom - 8) };
    },
    destroy: () => resized.disconnect(),
  };
}
