// What the network answers, rejects and guarantees, as measured on the images of the evaluation.

import { format_interval, format_rate } from "#web/core/formatting.js";
import { percent, short } from "#web/core/scale.js";
import { counted, word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/evaluation.js").Proportion} Proportion */

const COVERAGE = 0.99; // the one that is shown, if the network has it

/**
 * @param {HTMLElement} element hidden for a network without any of these
 * @param {Session} session
 */
export function mount(element, { bundle }) {
  const lines = guarantee_lines(bundle.reliability ?? {});
  element.hidden = !lines.length;
  fill(element,
    h("h2", {}, word("guarantees.title")),
    h("dl", { class: "about-facts" }, lines.map(([term, text]) => h("div", {}, h("dt", {}, term), h("dd", {}, text)))),
    h("p", { class: "small soft" }, word("guarantees.limit")));
  return { update() {}, destroy() {} };
}

/**
 * @param {Record<string, any>} reliability of the record of the run
 * @returns {[term: string, text: string][]}
 */
export function guarantee_lines({ rejection, selective, sets = [], unknown_classes }) {
  const rate = (/** @type {Proportion} */ one) => `${format_rate(one)} (${format_interval(one)})`;
  const whole = (/** @type {number} */ fraction) => `${Number((100 * fraction).toPrecision(3))} %`;
  const chosen = sets.find((/** @type {{method: string, coverage: number}} */ { method, coverage }) => method === "lac" && coverage === COVERAGE);
  /** @type {[string, string]|false} */
  const confident = Boolean(selective?.correct) && [word("guarantees.confident"), word("guarantees.confident_text", {
    answered: format_rate(selective.answered), threshold: percent(selective.threshold), correct: rate(selective.correct), target: whole(selective.target),
  })];
  /** @type {([string, string]|false)[]} */
  const lines = [
    Boolean(rejection) && [word("guarantees.rejected"), word("guarantees.rejected_text", { rate: rate(rejection.rejected), level: whole(rejection.level) })],
    Boolean(unknown_classes) && [word("guarantees.unknown"), word("guarantees.unknown_text", {
      mean: whole(unknown_classes.mean), low: whole(unknown_classes.low), high: whole(unknown_classes.high), trainings: counted("n.trainings", unknown_classes.classes.length),
    })],
    confident,
    Boolean(chosen) && [word("guarantees.sets"), word("guarantees.sets_text", { coverage: whole(chosen.coverage), covered: rate(chosen.covered), size: short(chosen.mean_size) })],
  ];
  return lines.filter((line) => line !== false);
}
