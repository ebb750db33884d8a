// The frame of the page: what it is, whether its numbers can be trusted, and its three rooms.

import { percent } from "#web/core/scale.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_about } from "#web/view/about.js";
import { mount as mount_good } from "#web/view/good.js";
import { mount as mount_see } from "#web/view/see.js";
import { shortcut } from "#web/view/shortcuts.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/prove.js").Verdict} Verdict */

const ROOMS = [
  { name: "see", title: "See through it", mount: mount_see },
  { name: "good", title: "How good is it?", mount: mount_good },
  { name: "about", title: "What is it?", mount: mount_about },
];

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/lens.js").Lens} lens
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, lens, store) {
  const proof = h("p", { class: "proof small", role: "status" }, "Checking the numbers …");
  const tabs = ROOMS.map(({ name, title }, index) =>
    h("button", {
      role: "tab", id: `tab-${name}`, "aria-controls": `room-${name}`, "data-shortcut": String(index + 1),
      onclick: () => store.set({ tab: name }),
    }, title),
  );
  const panels = ROOMS.map(({ name }) =>
    h("section", { role: "tabpanel", id: `room-${name}`, "aria-labelledby": `tab-${name}`, tabindex: -1 }),
  );
  const list = h("div", { role: "tablist", class: "tabs", "aria-label": "Rooms of this page", onkeydown: arrow }, tabs);
  fill(element, h("header", { class: "head" }, h("div", {}, h("h1", {}, headline(lens)), proof), list), h("main", {}, panels));
  document.addEventListener("keydown", shortcut);

  /** @type {(null|{update: (state: State, old: State) => void, destroy: () => void})[]} */
  const rooms = ROOMS.map(() => null);
  open(store.get());

  /** A room is made when it is first opened: the first picture should not wait for the others. @param {State} state */
  function open(state) {
    ROOMS.forEach(({ name, mount: mount_room }, index) => {
      const chosen = state.tab === name;
      tabs[index].setAttribute("aria-selected", String(chosen));
      tabs[index].tabIndex = chosen ? 0 : -1;
      panels[index].hidden = !chosen;
      if (chosen) rooms[index] ??= mount_room(panels[index], lens, store);
    });
  }

  /** @param {KeyboardEvent} event */
  function arrow(event) {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    const now = ROOMS.findIndex(({ name }) => name === store.get().tab);
    const next = (now + step + ROOMS.length) % ROOMS.length;
    store.set({ tab: ROOMS[next].name });
    tabs[next].focus();
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.tab !== old.tab) {
        open(state);
        scrollTo({ top: 0 });
      }
      rooms.forEach((room) => room?.update(state, old));
    },
    /** @param {Verdict|null} verdict null where the check itself failed */
    proven(verdict) {
      proof.dataset.holds = String(Boolean(verdict?.holds));
      proof.textContent = said(verdict, lens.bundle.proof.engine);
    },
    /** Make the rooms that nobody has opened yet, for paper. */
    complete() {
      ROOMS.forEach(({ mount: mount_room }, index) => void (rooms[index] ??= mount_room(panels[index], lens, store)));
    },
    destroy() {
      document.removeEventListener("keydown", shortcut);
      rooms.forEach((room) => room?.destroy());
    },
  };
}

/** @param {import("#web/core/lens.js").Lens} lens */
function headline({ bundle }) {
  const names = bundle.class_names;
  const told = names.length <= 10 ? names.map((name) => name.slice(0, 20)).join(", ") : `${names.length} classes`;
  const rate = bundle.evaluation?.accuracy?.rate;
  return `A network that tells apart ${told}` + (typeof rate === "number" ? `, right ${percent(rate)} of the time` : "");
}

/** @param {Verdict|null} verdict @param {string} engine */
function said(verdict, engine) {
  if (verdict?.holds) {
    const worst = Math.max(verdict.logits, verdict.layers).toExponential(0);
    return `✓ The numbers on this page are proven: computed again just now for ${verdict.images} images, ${verdict.values.toLocaleString("en")} values differ from ${engine} by at most ${worst}.`;
  }
  const why = verdict ? `They differ from ${engine} by ${Math.max(verdict.logits, verdict.layers).toExponential(0)}${verdict.worst ? `, most in ${verdict.worst}` : ""}.` : "They could not be compared.";
  return `✗ The numbers on this page cannot be trusted. ${why} Write the page again with: convscope open`;
}
