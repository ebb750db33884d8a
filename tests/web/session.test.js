import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateSync } from "node:zlib";

import { picture_bytes, read_bundle } from "#web/core/bundle.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { decode_drawing, encode_drawing, encode_strokes } from "#web/core/drawing_code.js";
import { has_ink, to_image } from "#web/core/selected_image.js";
import { create_session } from "#web/core/session.js";
import { self_test } from "#web/core/self_test.js";
import { text_color_on, percent, short } from "#web/core/scale.js";
import { describe_layer } from "#web/core/layer_descriptions.js";
import { format_hash, parse_hash } from "#web/core/state.js";

await load_kinds(["Conv2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "BatchNormalization", "ReLU", "Activation", "Softmax", "Dropout", "Flatten", "Dense"]);

const TEXT = readFileSync(new URL("../cases/bundle_2.json", import.meta.url), "utf8");

test("a drawing round-trips through its text", () => {
  const drawn = Uint8Array.from({ length: 784 }, (_, i) => (i % 5 === 0 ? i % 256 : 0));
  assert.deepEqual(decode_drawing(encode_drawing(drawn), 784), drawn);
  assert.deepEqual(decode_drawing(encode_drawing(new Uint8Array(784)), 784), new Uint8Array(784));
  assert.equal(decode_drawing(encode_drawing(drawn), 783), null);
  assert.equal(decode_drawing("d*", 784), null);
});

test("the session computes the selected image, and a disabled filter gives zeros", () => {
  const session = create_session(read_bundle(TEXT));
  session.select(parse_hash("#picture=p1"));
  const before = session.activations?.logits;
  session.select(parse_hash("#picture=p1&off=conv2d:0,nothing:3,conv2d_9:1"));
  assert.ok(session.activations?.layers[0].output.data.every((value, i) => i % 3 !== 0 || value === 0));
  assert.notDeepEqual(session.activations?.logits, before);
  session.select(parse_hash("#picture=p999"));
  assert.equal(session.activations, null);
});

test("the self-test passes for the reference and fails for a wrong weight", () => {
  const good = self_test(create_session(read_bundle(TEXT)));
  assert.ok(good.passed && good.logits < 1e-5 && good.values > 100);
  const bundle = read_bundle(TEXT);
  bundle.weights["dense/bias"].base64 = "AACAPwAAgD8AAIBA";
  const bad = self_test(create_session(bundle));
  assert.ok(!bad.passed && bad.logits > 0.1);
});

test("compressed images are unpacked exactly, plain ones are read as they are", async () => {
  const data = Uint8Array.from({ length: 2 * 5 * 4 * 3 }, (_, i) => (i * 7919) % 256);
  const pixels = { dtype: "uint8", shape: [2, 5, 4, 3], base64: deflateSync(data).toString("base64") };
  assert.deepEqual((await picture_bytes({ part: "test", entries: [], encoding: "deflate", pixels })).data, data);
  const plain = { ...pixels, base64: Buffer.from(data).toString("base64") };
  assert.deepEqual((await picture_bytes({ part: "test", entries: [], encoding: "", pixels: plain })).data, data);
  const zeros = { dtype: "uint8", shape: [1, 2, 3, 1], base64: Buffer.from([7, 0, 3, 8, 0, 1]).toString("base64") };
  assert.deepEqual([...(await picture_bytes({ part: "test", entries: [], encoding: "zeros", pixels: zeros })).data], [7, 0, 0, 0, 8, 0]);
  await assert.rejects(picture_bytes({ part: "test", entries: [], encoding: "zeros", pixels: { ...zeros, shape: [1, 2, 4, 1] } }), /damaged/);
  const short = { ...pixels, shape: [3, 5, 4, 3] };
  await assert.rejects(picture_bytes({ part: "test", entries: [], encoding: "deflate", pixels: short }), /damaged/);
});

test("an invalid bundle is refused with a clear message", () => {
  assert.throws(() => read_bundle("nonsense"), /damaged/);
  assert.throws(() => read_bundle("{}"), /version/);
  assert.throws(() => read_bundle('{"schema_version": 3}'), /Expected data of schema version 2\. Received: schema_version=3/);
  assert.throws(() => read_bundle('{"schema_version": 1}'), /Received: schema_version=1/);
  assert.throws(() => read_bundle('{"schema_version": 2}'), /has no class_names/);
});

test("a percentage is rounded to 100 only for all", () => {
  assert.equal(percent(1), "100.00 %");
  assert.equal(percent(0.99999), "> 99.99 %");
  assert.equal(percent(0.00001), "< 0.01 %");
  assert.equal(percent(0.9732), "97.3 %");
  assert.equal(short(-0.1234567), "-0.123");
});

test("text is readable on every color of the scale", () => {
  assert.equal(text_color_on([255, 255, 255]), "#000");
  assert.equal(text_color_on([184, 70, 0]), "#fff");
});

test("every layer kind has a description", () => {
  for (const row of read_bundle(TEXT).network.layers) assert.match(describe_layer(row), /^\S.*\.$/);
});

test("a large photo in color fits into the link, a larger one is omitted", () => {
  const noise = (/** @type {number} */ size) => Uint8Array.from({ length: size }, (_, i) => (i * 7919) % 251);
  const photo = noise(224 * 224 * 3);
  const word = encode_drawing(photo);
  assert.deepEqual(decode_drawing(word, photo.length), photo);
  assert.equal(parse_hash(format_hash({ ...parse_hash(""), picture: word })).picture, word);
  const huge = { ...parse_hash(""), picture: encode_drawing(noise(1024 * 1024 * 3)), layer: 2 };
  assert.equal(format_hash(huge), "#layer=2");
});

test("what was prepared is selected without computing it again, but only with the same filters off", async () => {
  const session = create_session(read_bundle(TEXT));
  const word = encode_strokes([[300, 200, 500, 800]]);
  const asked = /** @type {object[]} */ ([]);
  const { draw } = session.engine;
  session.engine.draw = async (picture, off, display) => (asked.push(off), draw(picture, off, display));
  await session.prepare(word, "conv2d:0,nothing:3");
  assert.deepEqual(asked, [{ conv2d: [0] }]);
  session.select({ ...parse_hash(""), picture: word, off: "conv2d:0,nothing:3" });
  const prepared = session.activations;
  session.select({ ...parse_hash(""), picture: word });
  assert.notDeepEqual(session.activations?.logits, prepared?.logits);
  session.select({ ...parse_hash(""), picture: word, off: "conv2d:0,nothing:3" });
  assert.equal(session.activations, prepared);
  assert.equal(asked.length, 1);
});

test("what was prepared with other weights is computed again: a drawing moves through the training", async () => {
  const session = create_session(read_bundle(TEXT));
  const state = { ...parse_hash(""), picture: encode_strokes([[300, 200, 500, 800]]) };
  await session.prepare(state.picture, "");
  session.select(state);
  const before = session.activations?.logits;
  const earlier = Object.fromEntries(Object.entries(session.weights).map(([name, { shape, data }]) => [name, { shape, data: data.map((value) => -value) }]));
  const { weights, run, engine } = create_session(session.bundle, session.pixels, earlier);
  Object.assign(session, { weights, run, engine });
  session.select(state);
  assert.notDeepEqual(session.activations?.logits, before);
  assert.deepEqual(session.activations?.logits, run(to_image(/** @type {Uint8Array} */ (session.selected), session.bundle.network.input_shape)).logits);
});

test("a blank picture of one's own is not computed, a blank image of the dataset is", async () => {
  const bundle = read_bundle(TEXT);
  const size = bundle.network.input_shape.reduce((all, side) => all * side, 1);
  const blank = new Uint8Array(size).fill(200);
  const session = create_session(bundle, { shape: [1, ...bundle.network.input_shape], data: blank });
  bundle.preprocessing = { ...bundle.preprocessing, fit: "stretch" };
  session.select({ ...parse_hash(""), picture: encode_drawing(blank) });
  assert.ok(!has_ink(session) && session.activations === null);
  await session.prepare(encode_drawing(blank), "");
  session.select({ ...parse_hash(""), picture: "p0" });
  assert.ok(has_ink(session) && session.activations !== null);
});
