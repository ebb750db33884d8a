// The layers as a table: kind and arguments, output shape, parameters, multiply-adds.

import { arguments_text } from "#web/core/layer_descriptions.js";
import { count, percent } from "#web/core/scale.js";
import { word } from "#web/core/words.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/bundle.d.ts").LayerJson} LayerJson */

const HEADS = ["layers.layer", "layers.kind", "layers.shape", "layers.parameters", "layers.multiply_adds"];

/**
 * @param {HTMLElement} element
 * @param {Session} session
 */
export function mount(element, { bundle }) {
  const { network } = bundle;
  fill(element,
    h("h2", {}, word("layers.title", { name: network.name })),
    h("p", { class: "small soft" }, word("layers.summary", { parameters: count(network.parameters), multiply_adds: count(network.multiply_adds) })),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": word("layers.region") },
      h("table", { class: "about-layers" },
        h("caption", { class: "visually-hidden" }, word("layers.caption")),
        h("thead", {}, h("tr", {}, HEADS.map((title) => h("th", { scope: "col" }, word(title))))),
        h("tbody", {}, input(network.input_shape), network.layers.map((row) => line(row, network.multiply_adds))),
        h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, word("layers.total")), h("td", {}), h("td", {}), h("td", {}, count(network.parameters)), h("td", {}, count(network.multiply_adds)))))));
  return { update() {}, destroy() {} };
}

/** @param {number[]} shape */
function input(shape) {
  return h("tr", {}, h("th", { scope: "row" }, word("layers.input")), h("td", {}, word(shape[2] === 3 ? "layers.rgb" : shape[2] === 1 ? "layers.gray" : "layers.unit_range")), h("td", {}, by(shape)), h("td", {}), h("td", {}));
}

/** @param {LayerJson} row @param {number} total */
function line(row, total) {
  const fraction = total ? row.multiply_adds / total : 0;
  return h("tr", {},
    h("th", { scope: "row" }, row.name),
    h("td", {}, h("strong", {}, row.kind), h("span", { class: "about-call" }, arguments_text(row))),
    h("td", {}, by(row.output_shape)),
    h("td", {}, row.parameters ? count(row.parameters) : "–"),
    h("td", {}, row.multiply_adds ? [percent(fraction), h("span", { class: "about-bar", style: `--fraction: ${(100 * fraction).toFixed(1)}%`, "aria-hidden": "true" })] : "–"));
}

/** @param {number[]} shape */
const by = (shape) => shape.map(count).join(" × ");
