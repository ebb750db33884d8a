// The lesson: eight steps that move the page, each with a question that the page checks. On by the address: ?lesson or ?lesson=3.

import { read_number } from "#web/core/formatting.js";
import { lesson_steps, lesson_task } from "#web/core/lesson.js";
import { counted, word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/state.js").State} State */

const ATTEMPTS = 2; // then the answer is shown
const LATER = 500; // milliseconds: the sheet comes after the first image

/** Keys of texts: title, explanation and question of each step. @type {Record<string, [string, string, string]>} */
const TEXTS = {
  pixel: ["lesson.pixel", "lesson.pixel_text", "lesson.pixel_ask"],
  filter: ["lesson.filter", "lesson.filter_text", "lesson.filter_ask"],
  slide: ["lesson.slide", "lesson.slide_text", "lesson.slide_ask"],
  map: ["lesson.map", "lesson.map_text", "lesson.map_ask"],
  relu: ["lesson.relu", "lesson.relu_text", "lesson.relu_ask"],
  pool: ["lesson.pool", "lesson.pool_text", "lesson.pool_ask"],
  dense: ["lesson.dense", "lesson.dense_text", "lesson.dense_ask"],
  softmax: ["lesson.softmax", "lesson.softmax_text", "lesson.softmax_ask"],
};

/**
 * Shows the lesson above the main part.
 * @param {HTMLElement} page
 * @param {import("#web/core/session.js").Session} session
 * @param {import("#web/core/state.js").Store} store
 * @param {object} link
 * @param {string} link.asked the step that the address names
 * @param {(step: string|null) => void} link.remember writes the step into the address
 */
export function mount(page, session, store, { asked, remember }) {
  const steps = lesson_steps(session);
  const offered = [...steps.keys()].filter((at) => steps[at].layer >= 0);
  const missing = steps.filter(({ layer }) => layer < 0).map(({ name }) => word(TEXTS[name][0]));
  const title = h("h2", { tabindex: -1 });
  const [text, question, verdict, progress] = [h("p", {}), h("label", { for: "lesson-answer", class: "lesson-question" }), h("p", { class: "lesson-verdict", role: "status" }), h("span", { class: "small soft" })];
  const input = h("input", { id: "lesson-answer", type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": word("lesson.answer") });
  const form = h("form", { class: "lesson-form", onsubmit: answer }, question, input, h("button", {}, word("lesson.check")));
  const back = h("button", { onclick: () => go(-1) }, word("lesson.back"));
  const next = h("button", { onclick: () => go(1) }, word("lesson.next"));
  const close = h("button", { onclick: end, "aria-label": word("lesson.close"), title: word("lesson.close") }, "×");
  const element = h("section", { class: "lesson card", "aria-label": word("lesson.region") }, h("div", { class: "lesson-text" }, title, text), form, verdict, h("div", { class: "lesson-steps" }, progress, back, next, close));
  page.querySelector("main")?.before(element);
  page.classList.add("has-lesson");
  /** @type {import("#web/core/lesson.js").Task|null} */
  let task = null;
  let [at, attempts, moving] = [0, 0, false];
  const unsubscribe = store.subscribe((state, old) => {
    if (moving || !task) return;
    // another image has other answers
    if (state.picture !== old.picture || state.off !== old.off || state.moment !== old.moment) ask(false);
    else if (task.kind !== "number" && ["row", "column", "target"].some((key) => state[/** @type {keyof State} */ (key)] !== old[/** @type {keyof State} */ (key)])) judge(NaN);
  });
  const chosen = offered.findIndex((step) => step >= Number(asked) - 1);
  at = chosen < 0 ? 0 : chosen;
  ask(true);

  /** @param {boolean} leads whether the page goes to the place of the step */
  function ask(leads) {
    const step = steps[offered[at]];
    const [name, explanation, what] = TEXTS[step.name];
    if (!session.activations && session.bundle.pictures.entries.length) move({ picture: "p0" });
    task = session.activations ? lesson_task(session, step, store.get()) : null;
    if (task && leads) move({ tab: "network", ...task.state });
    attempts = 0;
    title.textContent = word("lesson.title", { number: offered[at] + 1, name: word(name) });
    text.textContent = task ? word(explanation, task.values) : word("value.first");
    question.textContent = task ? word(what, task.values) : "";
    verdict.textContent = at === 0 && leads && missing.length ? counted("lesson.skipped", missing.length, { names: missing.join(", ") }) : "";
    delete verdict.dataset.right;
    form.hidden = !task;
    for (const control of [input, ...form.querySelectorAll("button")]) control.hidden = task?.kind !== "number";
    input.value = "";
    fill(progress, word("lesson.of", { number: offered[at] + 1, all: steps.length }));
    back.disabled = at === 0;
    next.disabled = at === offered.length - 1;
    if (step.name !== "softmax") setTimeout(raise, document.querySelector(".sheet-handle") ? 0 : LATER);
  }
  /** @param {Partial<State>} patch */
  function move(patch) {
    moving = true;
    store.set(patch);
    moving = false;
  }
  /** @param {number} by */
  function go(by) {
    at = Math.min(Math.max(at + by, 0), offered.length - 1);
    ask(true);
    title.focus({ preventScroll: true });
    remember(String(offered[at] + 1));
  }
  /** @param {SubmitEvent} event */
  function answer(event) {
    event.preventDefault();
    const given = read_number(input.value);
    if (Number.isFinite(given)) judge(given);
    else verdict.textContent = word("lesson.number");
  }
  /** @param {number} given */
  function judge(given) {
    if (!task) return;
    const right = task.check(given, store.get());
    attempts += 1;
    verdict.dataset.right = String(right);
    // a pointer that passes values on its way is not an attempt
    const told = attempts >= ATTEMPTS && task.kind === "number";
    verdict.textContent = right ? word("lesson.right", { answer: task.answer }) : word("lesson.again") + (told ? ` ${word("lesson.shown", { answer: task.answer })}` : "");
  }
  function end() {
    unsubscribe();
    element.remove();
    page.classList.remove("has-lesson");
    remember(null);
  }
}

/** On a phone, the values are in a sheet. */
function raise() {
  const handle = /** @type {HTMLElement|null} */ (document.querySelector(".sheet-handle"));
  if (handle?.offsetParent && handle.getAttribute("aria-expanded") === "false") handle.click();
}
