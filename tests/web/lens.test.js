import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { read_bundle } from "#web/core/bundle.js";
import { create_lens, decode_drawing, encode_drawing } from "#web/core/lens.js";
import { prove } from "#web/core/prove.js";
import { ink_on, percent, short } from "#web/core/scale.js";
import { sentence } from "#web/core/sentences.js";
import { format_hash, parse_hash } from "#web/core/state.js";

const TEXT = readFileSync(new URL("../cases/bundle_1.json", import.meta.url), "utf8");

test("a drawing becomes a word and comes back", () => {
  const drawn = Uint8Array.from({ length: 784 }, (_, i) => (i % 5 === 0 ? i % 256 : 0));
  assert.deepEqual(decode_drawing(encode_drawing(drawn), 784), drawn);
  assert.deepEqual(decode_drawing(encode_drawing(new Uint8Array(784)), 784), new Uint8Array(784));
  assert.equal(decode_drawing(encode_drawing(drawn), 783), null);
  assert.equal(decode_drawing("d*", 784), null);
});

test("the lens computes the chosen picture, and a filter that is off counts nothing", () => {
  const lens = create_lens(read_bundle(TEXT));
  lens.look(parse_hash("#picture=p1"));
  const before = lens.activations?.logits;
  lens.look(parse_hash("#picture=p1&off=conv2d:0,nothing:3,conv2d_9:1"));
  assert.ok(lens.activations?.layers[0].output.data.every((value, i) => i % 3 !== 0 || value === 0));
  assert.notDeepEqual(lens.activations?.logits, before);
  lens.look(parse_hash("#picture=p999"));
  assert.equal(lens.activations, null);
});

test("the proof holds for what was computed elsewhere and fails when a weight is off", () => {
  const good = prove(create_lens(read_bundle(TEXT)));
  assert.ok(good.holds && good.logits < 1e-5 && good.values > 100);
  const bundle = read_bundle(TEXT);
  bundle.weights["dense/bias"].base64 = "AACAPwAAgD8AAIBA";
  const bad = prove(create_lens(bundle));
  assert.ok(!bad.holds && bad.logits > 0.1);
});

test("a bundle that is not what it should be is refused in words", () => {
  assert.throws(() => read_bundle("nonsense"), /damaged/);
  assert.throws(() => read_bundle("{}"), /version/);
  assert.throws(() => read_bundle('{"schema_version": 2}'), /newer/);
  assert.throws(() => read_bundle('{"schema_version": 1}'), /lacks class_names/);
});

test("all is never said of less than all", () => {
  assert.equal(percent(1), "100.00 %");
  assert.equal(percent(0.99999), "> 99.99 %");
  assert.equal(percent(0.00001), "< 0.01 %");
  assert.equal(percent(0.9732), "97.3 %");
  assert.equal(short(-0.1234567), "-0.123");
});

test("ink can be read on every colour of the scale", () => {
  assert.equal(ink_on([255, 255, 255]), "#000");
  assert.equal(ink_on([184, 70, 0]), "#fff");
});

test("every layer of the vocabulary has its sentence", () => {
  for (const row of read_bundle(TEXT).network.layers) assert.match(sentence(row), /^\S.*\.$/);
});

test("a large photo in colour becomes a word too, and only what no address takes is left out of the link", () => {
  const noise = (/** @type {number} */ size) => Uint8Array.from({ length: size }, (_, i) => (i * 7919) % 251);
  const photo = noise(224 * 224 * 3);
  const word = encode_drawing(photo);
  assert.deepEqual(decode_drawing(word, photo.length), photo);
  assert.equal(parse_hash(format_hash({ ...parse_hash(""), picture: word })).picture, word);
  const huge = { ...parse_hash(""), picture: encode_drawing(noise(1024 * 1024 * 3)), layer: 2 };
  assert.equal(format_hash(huge), "#layer=2");
});
