// The room "what is it?": the architecture, how it came about, and the code that builds it again.

import { data_lines, machine_lines, preprocessing_steps, training_lines } from "#web/core/story.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_architecture } from "#web/view/architecture.js";
import { mount as mount_code } from "#web/view/code.js";

/** @typedef {import("#web/core/evaluation.js").Lens} Lens */
/** @typedef {import("#web/core/story.js").Line} Line */

/**
 * @param {HTMLElement} element
 * @param {Lens} lens
 */
export function mount(element, lens) {
  const { bundle } = lens;
  const { training } = bundle;
  const architecture = h("section", { class: "card about-wide" });
  const code = h("section", { class: "card about-wide" });
  fill(element, h("div", { class: "about-room" },
    architecture,
    h("div", { class: "about-column" },
      card("How it was trained", facts(training_lines(training))),
      card("Where it comes from", facts(provenance(lens)))),
    h("div", { class: "about-column" },
      card("What it learned from", facts(data_lines(training.data ?? {})), attribution(training.data?.kind)),
      card("What happens to a picture first", h("ol", { class: "about-steps" }, preprocessing_steps(bundle.preprocessing).map((step) => h("li", {}, step))))),
    code));
  const mounted = [mount_architecture(architecture, lens), mount_code(code, lens)];
  return { update() {}, destroy: () => mounted.forEach((view) => view.destroy()) };
}

/** @param {string} title @param {...(Node|null)} children */
const card = (title, ...children) => h("section", { class: "card" }, h("h2", {}, title), children);

/** @param {Line[]} lines */
function facts(lines) {
  return h("dl", { class: "about-facts" }, lines.map(([term, text]) => h("div", {}, h("dt", {}, term), h("dd", {}, text))));
}

/** @param {Lens} lens @returns {Line[]} */
function provenance({ bundle }) {
  const { created, environment, weights_sha256 } = bundle.training;
  /** @type {Line[]} */
  const lines = [
    ["Run", bundle.title],
    ["Begun", typeof created === "string" ? created.replace("T", " ").replace("+00:00", " UTC") : ""],
    ...machine_lines(environment ?? {}),
    ["SHA-256 of the weights", String(weights_sha256 ?? "")],
    ["Proven against", bundle.proof.engine],
    ["Page written by", bundle.convscope ? `convscope ${bundle.convscope}` : ""],
  ];
  return lines.filter(([, text]) => text);
}

/** @param {unknown} kind */
function attribution(kind) {
  if (kind !== "mnist") return null;
  return h("p", { class: "small soft" }, "MNIST by Yann LeCun, Corinna Cortes and Christopher J.C. Burges, CC BY-SA 3.0");
}
