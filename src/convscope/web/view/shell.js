// The frame of the page: title, self-test, and three tabs.

import { percent } from "#web/core/scale.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_about } from "#web/view/about.js";
import { mount as mount_evaluation } from "#web/view/evaluation.js";
import { mount as mount_network } from "#web/view/network.js";
import { shortcut } from "#web/view/shortcuts.js";

/** @typedef {import("#web/core/state.js").State} State */
/** @typedef {import("#web/core/self_test.js").SelfTest} SelfTest */

const TABS = [
  { name: "network", title: "Network", mount: mount_network },
  { name: "evaluation", title: "Evaluation", mount: mount_evaluation },
  { name: "about", title: "About", mount: mount_about },
];

/**
 * @param {HTMLElement} element
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const status = h("p", { class: "self-test small", role: "status" }, "Running the self-test …");
  const tabs = TABS.map(({ name, title }, index) =>
    h("button", {
      role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, "data-shortcut": String(index + 1),
      onclick: () => store.set({ tab: name }),
    }, title),
  );
  const panels = TABS.map(({ name }) =>
    h("section", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, tabindex: -1 }),
  );
  const list = h("div", { role: "tablist", class: "tabs", "aria-label": "Tabs of this page", onkeydown: arrow }, tabs);
  fill(element, h("header", { class: "head" }, h("div", {}, h("h1", {}, headline(session)), status), list), h("main", {}, panels));
  document.addEventListener("keydown", shortcut);

  /** @type {(null|{update: (state: State, old: State) => void, destroy: () => void})[]} */
  const views = TABS.map(() => null);
  open(store.get());

  /** A tab is mounted when it is first opened: the first image does not wait for the others. @param {State} state */
  function open(state) {
    TABS.forEach(({ name, mount: mount_tab }, index) => {
      const chosen = state.tab === name;
      tabs[index].setAttribute("aria-selected", String(chosen));
      tabs[index].tabIndex = chosen ? 0 : -1;
      panels[index].hidden = !chosen;
      if (chosen) views[index] ??= mount_tab(panels[index], session, store);
    });
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
      if (state.tab !== old.tab) {
        open(state);
        scrollTo({ top: 0 });
      }
      views.forEach((view) => view?.update(state, old));
    },
    /** @param {SelfTest|null} result null where the test itself failed */
    show_self_test(result) {
      status.dataset.passed = String(Boolean(result?.passed));
      status.textContent = self_test_text(result, session.bundle.reference.engine);
    },
    /** Mount the tabs that were not opened yet, for printing. */
    complete() {
      TABS.forEach(({ mount: mount_tab }, index) => void (views[index] ??= mount_tab(panels[index], session, store)));
    },
    destroy() {
      document.removeEventListener("keydown", shortcut);
      views.forEach((view) => view?.destroy());
    },
  };
}

/** @param {import("#web/core/session.js").Session} session */
function headline({ bundle }) {
  const names = bundle.class_names;
  const list = names.length <= 10 ? names.map((name) => name.slice(0, 20)).join(", ") : `${names.length} classes`;
  const title = names.every((name) => /^\d$/.test(name)) ? "Digit classifier" : "Image classifier";
  const rate = bundle.evaluation?.accuracy?.rate;
  return (names.length === 10 && title === "Digit classifier" ? title : `${title} (${list})`) + (typeof rate === "number" ? `, ${percent(rate)} accurate` : "");
}

/** @param {SelfTest|null} result @param {string} engine */
function self_test_text(result, engine) {
  const difference = result && Math.max(result.logits, result.layers).toExponential(0);
  if (result?.passed) {
    return `✓ Self-test passed: ${result.values.toLocaleString("en")} values of ${result.images} images differ from ${engine} by at most ${difference}.`;
  }
  const reason = result ? `Values differ from ${engine} by ${difference}${result.worst ? `, most in ${result.worst}` : ""}.` : "The values could not be compared.";
  return `✗ Self-test failed: do not trust the values on this page. ${reason} Write the page again with: convscope open`;
}
