// The frame of the page: one line with title, self-test and tabs, and the tab that is open.

import { percent } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_about } from "#web/view/about.js";
import { mount as mount_evaluation } from "#web/view/evaluation.js";
import { language_button } from "#web/view/language.js";
import { mount as mount_network } from "#web/view/network.js";
import { self_test_badge } from "#web/view/self_test_badge.js";
import { shortcut } from "#web/view/shortcuts.js";

/** @typedef {import("#web/core/state.js").State} State */

const TABS = [
  { name: "network", title: "tab.network", mount: mount_network },
  { name: "evaluation", title: "tab.evaluation", mount: mount_evaluation },
  { name: "about", title: "tab.about", mount: mount_about },
];

const LISTED = 32; // characters of class names in the title; the accuracy is behind them

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const badge = self_test_badge(session);
  const tabs = TABS.map(({ name, title }, index) =>
    h("button", {
      role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "data-shortcut": String(index + 1),
      onclick: () => store.set({ tab: name }),
    }, word(title)),
  );
  const panels = TABS.map(({ name }) =>
    h("section", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, tabindex: -1 }),
  );
  const list = h("div", { role: "tablist", class: "tabs", id: "tabs", "aria-label": word("tab.all"), onkeydown: arrow }, tabs);
  const menu = h("button", { class: "menu", "aria-controls": "tabs", "aria-expanded": "false", onclick: () => unfold(menu.getAttribute("aria-expanded") !== "true") });
  const title = headline(session);
  fill(element, h("header", { class: "head" }, h("h1", { title }, title), badge.element, menu, list), h("main", {}, panels), language_button());
  document.addEventListener("keydown", shortcut);

  /** @type {(null|{update: (state: State, old: State) => void, destroy: () => void, print?: (now: boolean) => void})[]} */
  const views = TABS.map(() => null);
  open(store.get());

  /** A tab is mounted when it is first opened: the first image does not wait for the others. @param {State} state */
  function open(state) {
    element.dataset.tab = state.tab;
    unfold(false);
    TABS.forEach(({ name, title: text, mount: mount_tab }, index) => {
      const chosen = state.tab === name;
      if (chosen) fill(menu, `${word(text)} ▾`);
      tabs[index].setAttribute("aria-selected", String(chosen));
      tabs[index].tabIndex = chosen ? 0 : -1;
      panels[index].hidden = !chosen;
      if (chosen) views[index] ??= mount_tab(panels[index], session, store);
    });
  }

  /** On a phone the tabs are a menu. @param {boolean} open_menu */
  function unfold(open_menu) {
    menu.setAttribute("aria-expanded", String(open_menu));
    list.classList.toggle("tabs-open", open_menu);
  }

  /** Where each tab was left. @type {Map<string, {top: number, focused: Element|null}>} */
  const left = new Map();
  /** @param {State} state @param {State} old */
  function turn(state, old) {
    left.set(old.tab, { top: scrollY, focused: document.activeElement });
    open(state);
    const before = left.get(state.tab);
    if (before?.focused instanceof HTMLElement && panels.some((panel) => panel.contains(before.focused))) before.focused.focus({ preventScroll: true });
    scrollTo({ top: before?.top ?? 0, behavior: "instant" });
  }

  /** @param {KeyboardEvent} event */
  function arrow(event) {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    const now = TABS.findIndex(({ name }) => name === store.get().tab);
    const next = (now + step + TABS.length) % TABS.length;
    store.set({ tab: TABS[next].name });
    tabs[next].focus();
  }

  return {
    /** @param {State} state @param {State} old */
    update(state, old) {
      if (state.tab !== old.tab) turn(state, old);
      views.forEach((view) => view?.update(state, old));
    },
    show_self_test: badge.show,
    /** Mount the tabs that were not opened yet, for printing. */
    complete() {
      TABS.forEach(({ mount: mount_tab }, index) => void (views[index] ??= mount_tab(panels[index], session, store)));
      views.forEach((view) => view?.print?.(true));
    },
    /** Back to the screen after printing. */
    printed: () => views.forEach((view) => view?.print?.(false)),
    destroy() {
      document.removeEventListener("keydown", shortcut);
      views.forEach((view) => view?.destroy());
    },
  };
}

/** @param {import("#web/core/session.js").Session} session */
function headline({ bundle }) {
  const names = bundle.class_names;
  const listed = names.join(", ");
  const list = listed.length <= LISTED ? listed : word("title.classes", { count: names.length });
  const digits = names.every((name) => /^\d$/.test(name));
  const title = word(digits ? "title.digits" : "title.images") + (digits && names.length === 10 ? "" : ` (${list})`);
  const rate = (bundle.cross_validation ?? bundle.evaluation)?.accuracy?.rate;
  return typeof rate === "number" ? word("title.rate", { title, rate: percent(rate) }) : title;
}
