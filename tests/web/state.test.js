import assert from "node:assert/strict";
import { test } from "node:test";

import { create_store } from "#web/core/fields.js";
import { FIELDS, format_hash, parse_hash, parse_off, toggle_off } from "#web/core/state.js";

test("every field round-trips through the hash", () => {
  const state = { tab: "evaluation", picture: "p12", layer: 3, channel: 7, row: 1, column: 0, why: "gradient", target: 4, off: "conv2d:1.2,conv2d_1:0", moment: 3, cell: "4-9" };
  assert.deepEqual(Object.keys(state).sort(), Object.keys(FIELDS).sort());
  assert.deepEqual(parse_hash(format_hash(state)), state);
});

test("defaults are omitted, and invalid fields take their defaults", () => {
  const first = parse_hash("");
  assert.equal(format_hash(first), "");
  assert.deepEqual(parse_hash("#tab=<x>&layer=1e9&picture=../x&off=a:b&cell=4&row=-7&channel=2.5"), first);
});

test("a row without a column selects nothing", () => {
  assert.equal(parse_hash("#row=2").row, -1);
});

test("filters are disabled and enabled again", () => {
  const once = toggle_off("", "conv2d", 3);
  assert.deepEqual(parse_off(toggle_off(once, "conv2d", 1)), { conv2d: [1, 3] });
  assert.equal(toggle_off(once, "conv2d", 3), "");
});

test("subscribers are notified of changes only", () => {
  const store = create_store(parse_hash(""));
  /** @type {number[]} */
  const notified = [];
  const leave = store.subscribe((state, old) => notified.push(old.layer, state.layer));
  store.set({ layer: 0 });
  store.set({ layer: 2 });
  leave();
  store.set({ layer: 1 });
  assert.deepEqual(notified, [0, 2]);
});

test("links with the old names of the tabs still work", () => {
  assert.equal(parse_hash("#tab=good").tab, "evaluation");
  assert.equal(parse_hash("#tab=see").tab, "network");
});
