// The about tab: architecture, training, data, preprocessing, and Keras code.

import { data_lines, machine_lines, preprocessing_steps, training_lines } from "#web/core/descriptions.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";
import { mount as mount_architecture } from "#web/view/architecture.js";
import { mount as mount_filters } from "#web/view/filters.js";
import { mount as mount_code } from "#web/view/keras_code.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/core/descriptions.js").Line} Line */

/** @typedef {import("#web/core/state.js").State} State */

/**
 * @param {HTMLElement} element
 * @param {Session} session
 * @param {import("#web/core/state.js").Store} store
 */
export function mount(element, session, store) {
  const { bundle } = session;
  const { training } = bundle;
  const architecture = h("section", { class: "card about-wide about-filters" });
  const filters = h("section", { class: "card about-wide about-filters" });
  const code = h("section", { class: "card about-wide about-filters" });
  fill(element, h("div", { class: "about-layout" },
    architecture,
    filters,
    h("div", { class: "about-column" },
      card(word("about.training"), facts(training_lines(training))),
      card(word("about.provenance"), facts(provenance(session)))),
    h("div", { class: "about-column" },
      card(word("about.data"), facts(data_lines(training.data ?? {})), attribution(training.data?.kind)),
      card(word("about.preprocessing"), h("ol", { class: "about-steps" }, preprocessing_steps(bundle.preprocessing).map((step) => h("li", {}, step))))),
    code));
  const explored = mount_filters(filters, session, store);
  const mounted = [mount_architecture(architecture, session), explored, mount_code(code, session)];
  return {
    /** @param {State} state @param {State} old */
    update: (state, old) => explored.update(state, old),
    destroy: () => mounted.forEach((view) => view.destroy()),
  };
}

/** @param {string} title @param {...(Node|null)} children */
const card = (title, ...children) => h("section", { class: "card" }, h("h2", {}, title), children);

/** @param {Line[]} lines */
function facts(lines) {
  return h("dl", { class: "about-facts" }, lines.map(([term, text]) => h("div", {}, h("dt", {}, term), h("dd", {}, text))));
}

/** @param {Session} session @returns {Line[]} */
function provenance({ bundle }) {
  const { created, environment, weights_sha256 } = bundle.training;
  /** @type {Line[]} */
  const lines = [
    [word("about.run"), bundle.title],
    [word("about.created"), typeof created === "string" ? created.replace("T", " ").replace("+00:00", " UTC") : ""],
    ...machine_lines(environment ?? {}),
    [word("about.hash"), String(weights_sha256 ?? "")],
    [word("about.reference"), bundle.reference.engine],
    [word("about.written"), bundle.convscope ? `convscope ${bundle.convscope}` : ""],
  ];
  return lines.filter(([, text]) => text);
}

/** @param {unknown} kind */
function attribution(kind) {
  if (kind !== "mnist") return null;
  return h("p", { class: "small soft" }, word("about.mnist"));
}
