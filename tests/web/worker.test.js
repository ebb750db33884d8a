// The messages of the page's worker, in a real worker.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

import { read_bundle } from "#web/core/bundle.js";
import { columns_of } from "#web/core/columns.js";
import { contributions } from "#web/core/contributions.js";
import { encode_strokes } from "#web/core/drawing_code.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { column_pixels } from "#web/core/map_pixels.js";
import { layout } from "#web/core/network_layout.js";
import { occlusion } from "#web/core/occlusion.js";
import { frame } from "#web/core/preprocess.js";
import { contents_of } from "#web/core/results.js";
import { pixels_at, to_image } from "#web/core/selected_image.js";
import { create_session } from "#web/core/session.js";
import { parse_hash } from "#web/core/state.js";
import { largest } from "#web/core/strongest_path.js";

const TEXT = readFileSync(new URL("../cases/bundle_2.json", import.meta.url), "utf8");
const bundle = read_bundle(TEXT);
await load_kinds(bundle.network.layers.map(({ kind }) => kind));
const session = create_session(bundle);
const image = (/** @type {number} */ at) => to_image(pixels_at(session.pixels, at), bundle.network.input_shape);

function start() {
  const worker = new Worker(new URL("run_worker.js", import.meta.url));
  let last = 0;
  /** @param {object} message @returns {Promise<any>} */
  const ask = (message) => new Promise((resolve) => {
    const id = ++last;
    const hear = (/** @type {any} */ answer) => {
      if (answer.id !== id) return;
      worker.off("message", hear);
      resolve(answer);
    };
    worker.on("message", hear);
    worker.postMessage({ id, ...message });
  });
  return { worker, ask };
}

/** What the page sends to load the network. */
const LOAD = { type: "load", network: bundle.network, weights: session.weights, preprocessing: bundle.preprocessing, paper: session.paper };
const picture = encode_strokes([[300, 200, 500, 800], [100, 400, 700, 420]]);

test("the worker gives the activations of the page, bit for bit, with any filters off", async () => {
  const { worker, ask } = start();
  assert.equal((await ask(LOAD)).error, undefined);
  for (const off of /** @type {Record<string, number[]>[]} */ ([{}, { conv2d: [0, 2] }])) {
    const { selected, activations } = (await ask({ type: "draw", picture, off, display: null })).result;
    assert.deepEqual(activations, session.run(to_image(selected, bundle.network.input_shape), off));
    session.select({ ...parse_hash(""), picture });
    assert.deepEqual(selected, session.selected);
  }
  const blank = (await ask({ type: "draw", picture: "d", off: {}, display: null })).result;
  assert.equal(blank.activations, null);
  assert.match((await ask({ type: "draw", picture, off: { conv2d: [99] }, display: null })).error, /Only channels/);
  await worker.terminate();
});

test("the worker gives the pixels of every map and the edges into the class, as the page would compute them", async () => {
  const { worker, ask } = start();
  await ask(LOAD);
  const columns = columns_of(bundle.network);
  const { places } = layout(columns, { width: 700, height: 400 });
  const look = { ratio: 2, dark: true, frame: [1, 2, 3] };
  const display = { key: "k", places, look, layer: 1, target: 1, edges: true };
  const { displayed } = (await ask({ type: "draw", picture, off: {}, display })).result;
  session.select({ ...parse_hash(""), picture });
  const contents = contents_of(session, columns, 1);
  assert.deepEqual(displayed.columns, contents.map((content, at) => column_pixels(places[at], content, look)));
  assert.ok(displayed.columns.every((/** @type {{data: Uint32Array}} */ { data }) => new Set(data).size > 1));
  const expected = contributions(bundle.network, session.weights, /** @type {any} */ (session.activations), 1);
  assert.deepEqual(displayed.path.found, expected);
  assert.ok(displayed.path.path.length > 0 && displayed.path.path[0].to.map === 1);
  assert.deepEqual(largest(displayed.path.path, 1), largest(displayed.path.path.slice(0, 10), 1));
  const without = (await ask({ type: "draw", picture, off: {}, display: { ...display, edges: false } })).result;
  assert.equal(without.displayed.path, null);
  await worker.terminate();
});

test("the worker preprocesses pictures as the page does", async () => {
  const { worker, ask } = start();
  const photo = { height: 40, width: 30, channels: 4, data: Uint8Array.from({ length: 4800 }, (_, i) => (i * 7919) % 256) };
  assert.deepEqual((await ask({ type: "frame", picture: photo, contract: bundle.preprocessing })).result, frame(photo, /** @type {any} */ (bundle.preprocessing)));
  await worker.terminate();
});

test("an occlusion map lets other work pass, and a later one ends it, as another image does", async () => {
  const { worker, ask } = start();
  await ask(LOAD);
  /** @type {string[]} */
  const order = [];
  const note = (/** @type {string} */ name) => (/** @type {any} */ answer) => (order.push(name), answer);
  const message = { type: "occlusion", options: { off: {}, patch: 2, stride: 1, fill: 0 } };
  const tiny = { height: 2, width: 2, channels: 1, data: new Uint8Array(4) };
  const [first, second] = await Promise.all([
    ask({ ...message, image: image(0), class_index: 1 }).then(note("first")),
    ask({ ...message, image: image(1), class_index: 2 }).then(note("second")),
    ask({ type: "frame", picture: tiny, contract: bundle.preprocessing }).then(note("frame")),
  ]);
  assert.equal(first.result, null);
  const steps = occlusion({ run: (covered) => session.run(covered) }, image(1), 2, { patch: 2, stride: 1, fill: 0 });
  let step = steps.next();
  while (!step.done) step = steps.next();
  assert.deepEqual(second.result, step.value);
  assert.equal(order.at(-1), "second");
  const [third] = await Promise.all([ask({ ...message, image: image(0), class_index: 1 }), ask({ type: "draw", picture, off: {}, display: null })]);
  assert.equal(third.result, null);
  await worker.terminate();
});
