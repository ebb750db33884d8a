import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { read_bundle } from "#web/core/bundle.js";
import { columns_of } from "#web/core/columns.js";
import { contributions } from "#web/core/contributions.js";
import { focus_of } from "#web/core/focus.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { create_session } from "#web/core/session.js";
import { parse_hash } from "#web/core/state.js";
import { edges_from, edges_into, strongest_path } from "#web/core/strongest_path.js";
import { names_of } from "#web/core/value_names.js";
import { later_lines, written_value } from "#web/core/written_value.js";

const BUNDLE = read_bundle(readFileSync(new URL("../cases/bundle_2.json", import.meta.url), "utf8"));
await load_kinds(BUNDLE.network.layers.map(({ kind }) => kind));
const COLUMNS = columns_of(BUNDLE.network);

/** @param {string} hash */
function opened(hash) {
  const session = create_session(BUNDLE);
  const state = parse_hash(hash);
  session.select(state);
  return { session, state, focus: focus_of(session, COLUMNS, state) };
}

test("without a selection the focus is the strongest pixel of the strongest map", () => {
  const { session, focus } = opened("#picture=p1");
  const tail = Math.max(...COLUMNS[1].layers);
  const { shape, data } = /** @type {any} */ (session.activations).layers[tail].output;
  const value = data[(focus.row * shape[1] + focus.column) * shape[2] + focus.channel];
  assert.equal(focus.layer, 0);
  assert.equal(value, Math.max(...data));
});

test("a link keeps its pixel, and map 0 where an older page left it out; what does not exist becomes the strongest", () => {
  assert.deepEqual(opened("#picture=p1&row=1&column=2").focus, { layer: 0, channel: 0, row: 1, column: 2 });
  const { focus } = opened("#picture=p1&layer=999&channel=999&row=999&column=999");
  assert.equal(focus.layer, BUNDLE.network.layers.length - 1);
  assert.ok(focus.channel < BUNDLE.network.num_classes);
  assert.equal(opened("#picture=p1&target=1").session.activations !== null, true);
  const last = BUNDLE.network.layers.length - 1;
  assert.equal(opened(`#picture=p1&layer=${last}&target=1`).focus.channel, 1);
  assert.deepEqual(opened("#layer=0").focus.channel, 0, "without an image");
});

test("the printed terms of every layer add up to what the layer computed", () => {
  BUNDLE.network.layers.forEach((row, layer) => {
    const { session, focus } = opened(`#picture=p1&layer=${layer}`);
    const { lines, products, parts } = written_value(session, focus, names_of(BUNDLE.network, layer));
    const total = lines.findIndex(({ name }) => name === "sum" || name === "logit");
    assert.ok(lines.length > 0, row.kind);
    if (total < 0) return;
    const terms = lines.slice(0, total).map(({ text }) => Number(text));
    assert.ok(Math.abs(terms.reduce((sum, term) => sum + term, 0) - Number(lines[total].text)) < 1e-9, row.kind);
    const { pre_activation, output } = /** @type {any} */ (session.activations).layers[layer];
    const { shape, data } = pre_activation ?? output;
    const exact = shape.length === 3 ? data[(focus.row * shape[1] + focus.column) * shape[2] + focus.channel] : data[focus.channel];
    assert.ok(Math.abs(Number(lines[total].text) - exact) < 6e-4, `${row.kind}: ${lines[total].text} is not ${exact}`);
    const shown = lines.find(({ name }) => name === `map ${written_value(session, focus, names_of(BUNDLE.network, layer)).source.map}`);
    if (products && parts.length > 1) assert.ok(Math.abs(products.reduce((sum, text) => sum + Number(text), 0) - Number(shown?.text)) < 1e-9);
  });
});

test("another input map can be shown, and it is then among the terms", () => {
  const layer = BUNDLE.network.layers.findIndex(({ kind, input_shape }) => kind === "Conv2D" && input_shape[2] > 1);
  if (layer < 0) return;
  const { session, focus } = opened(`#picture=p1&layer=${layer}`);
  const count = BUNDLE.network.layers[layer].input_shape[2];
  for (let map = 0; map < count; map += 1) {
    const written = written_value(session, focus, names_of(BUNDLE.network, layer), map);
    assert.equal(written.source.map, map);
    assert.ok(written.lines.some(({ name }) => name === `map ${map}`));
  }
});

test("the later layers of a column say what they make of the value", () => {
  const { session, focus } = opened("#picture=p1");
  for (const { name, text } of later_lines(session, COLUMNS[1], focus)) assert.ok(name && Number.isFinite(Number(text)));
});

test("the strongest path begins at the class, is connected, and reaches the image", () => {
  const { session } = opened("#picture=p1");
  const { activations, weights } = /** @type {any} */ (session);
  const found = contributions(BUNDLE.network, weights, activations, 1);
  const steps = strongest_path(session, COLUMNS, found, 1);
  let step = steps.next();
  while (!step.done) step = steps.next();
  const path = step.value;
  assert.deepEqual([...new Set(path.filter(({ to }) => to.column === COLUMNS.length - 1).map(({ to }) => to.map))], [1]);
  const entered = new Set(path.map(({ from }) => `${from.column} ${from.map}`));
  for (const { to } of path) assert.ok(to.column === COLUMNS.length - 1 || entered.has(`${to.column} ${to.map}`));
  assert.ok(path.some(({ from }) => from.column === 0));
});

test("what a map reads and what reads it are the same edges, seen from both ends", () => {
  const { session } = opened("#picture=p1");
  const from = { column: 1, map: 0 };
  for (const { to, amount } of edges_from(session, COLUMNS, from)) {
    const back = edges_into(session, COLUMNS, to).find((edge) => edge.from.column === from.column && edge.from.map === from.map);
    assert.ok(back && Math.abs(back.amount - amount) < 1e-3 * Math.max(1, Math.abs(amount)));
  }
});
