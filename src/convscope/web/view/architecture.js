// The layers as a table: kind and arguments, output shape, parameters, multiply-adds.

import { arguments_text } from "#web/core/layer_descriptions.js";
import { count, percent } from "#web/core/scale.js";
import { fill, h } from "#web/view/dom.js";

/** @typedef {import("#web/core/evaluation.js").Session} Session */
/** @typedef {import("#web/bundle.d.ts").LayerJson} LayerJson */

const HEADS = ["Layer", "Kind", "Output shape", "Parameters", "Multiply-adds"];

/**
 * @param {HTMLElement} element
 * @param {Session} session
 */
export function mount(element, { bundle }) {
  const { network } = bundle;
  fill(element,
    h("h2", {}, `Architecture: ${network.name}`),
    h("p", { class: "small soft" }, `${count(network.parameters)} parameters; ${count(network.multiply_adds)} multiply-adds per image.`),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Layers of the network" },
      h("table", { class: "about-layers" },
        h("caption", { class: "visually-hidden" }, "Layers of the network, in order"),
        h("thead", {}, h("tr", {}, HEADS.map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, input(network.input_shape), network.layers.map((row) => line(row, network.multiply_adds))),
        h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "total"), h("td", {}), h("td", {}), h("td", {}, count(network.parameters)), h("td", {}, count(network.multiply_adds)))))));
  return { update() {}, destroy() {} };
}

/** @param {number[]} shape */
function input(shape) {
  return h("tr", {}, h("th", { scope: "row" }, "input"), h("td", {}, shape[2] === 3 ? "RGB, 0 to 1" : shape[2] === 1 ? "grayscale, 0 to 1" : "0 to 1"), h("td", {}, by(shape)), h("td", {}), h("td", {}));
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
