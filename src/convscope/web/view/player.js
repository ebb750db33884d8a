// Play: the window slides over the input and the output fills in, value by value.

import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";

/**
 * @param {{get: () => {row: number, column: number}, set: (place: {row: number, column: number}) => void}} store of the
 *     place; -1 for none
 * @param {() => [number, number]} size rows and columns of the output
 * @param {() => void} redraw called when playing ends
 */
export function player(store, size, redraw) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  let filling = false;
  const speed = h("input", { type: "range", min: 1, max: 30, value: 6, id: "speed", "aria-label": word("play.rate") });
  const play = h("button", { onclick: toggle, "data-shortcut": "p" }, named(word("play.play"), "p"));
  const next = h("button", { onclick: () => (pause(), step()), "data-shortcut": "n" }, named(word("play.step"), "n"));
  const element = h("div", { class: "player" }, play, next, h("span", { class: "player-speed" }, h("label", { for: "speed", class: "small" }, word("play.speed")), speed));

  function toggle() {
    if (timer) return pause();
    fill(play, named(word("play.pause"), "p"));
    run();
  }
  function run() {
    step();
    timer = setTimeout(run, 1000 / Number(speed.value));
  }
  function pause() {
    clearTimeout(timer);
    timer = undefined;
    fill(play, named(word("play.play"), "p"));
  }
  function step() {
    const [height, width] = size();
    const { row, column } = store.get();
    const place = row < 0 ? 0 : (row * width + column + 1) % (height * width);
    filling = true;
    store.set({ row: Math.floor(place / width), column: place % width });
  }

  return {
    element,
    playing: () => filling,
    /** How many values of the output are filled in. */
    until() {
      const { row, column } = store.get();
      return filling && row >= 0 ? row * size()[1] + column + 1 : Infinity;
    },
    stop() {
      pause();
      if (!filling) return;
      filling = false;
      redraw();
    },
  };
}

/** A name with its key, which is shown where there is a keyboard. @param {string} name @param {string} key */
const named = (name, key) => [`${name} `, h("span", { class: "key" }, `(${key})`)];
