import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { preprocess } from "#web/core/preprocess.js";

/** @typedef {import("#web/core/contract.js").Contract} Contract */
/** @typedef {{name: string, preprocessing: Contract, shape: number[], pixels: number[], expected: number[]}} Case */

/** @type {{cases: Case[]}} */
const table = JSON.parse(readFileSync(new URL("../cases/preprocess.json", import.meta.url), "utf8"));

/** @type {Contract} */
const GOOD = { height: 28, width: 28, channels: 1, fit: "mnist", polarity: "auto", background: 255 };

const blank = () => ({ height: 5, width: 4, channels: 1, data: new Uint8Array(20) });

assert.ok(table.cases.length > 0);
for (const { name, preprocessing, shape, pixels, expected } of table.cases) {
  test(`the table's pixels come out: ${name}`, () => {
    const [height, width, channels] = shape;
    const before = Uint8Array.from(pixels);
    const picture = { height, width, channels, data: before.slice() };
    const result = preprocess(picture, preprocessing);
    assert.deepEqual(picture.data, before);
    assert.deepEqual([result.height, result.width, result.channels], [
      preprocessing.height,
      preprocessing.width,
      preprocessing.channels,
    ]);
    assert.deepEqual(result.data, Uint8Array.from(expected));
  });
}

test("clamped bytes in the middle of a buffer give the same pixels", () => {
  const bytes = Uint8ClampedArray.from([9, 9, 1, 2, 3, 4, 9]);
  const picture = { height: 2, width: 2, channels: 1, data: bytes.subarray(2, 6) };
  const result = preprocess(picture, { ...GOOD, height: 2, width: 2, fit: "stretch", polarity: "invert" });
  assert.deepEqual(result.data, Uint8Array.from([254, 253, 252, 251]));
});

test("the result shares no bytes with the picture", () => {
  const picture = blank();
  const result = preprocess(picture, { ...GOOD, height: 5, width: 4, fit: "stretch", polarity: "as_is" });
  picture.data.fill(7);
  assert.deepEqual(result.data, new Uint8Array(20));
});

test("how Python decodes JPEG files changes nothing in the page, which decodes them itself", () => {
  const contract = { ...GOOD, height: 5, width: 4, fit: /** @type {const} */ ("stretch") };
  const plain = preprocess(blank(), contract);
  for (const decoding of /** @type {const} */ (["exact", "draft", "fast"])) {
    assert.deepEqual(preprocess(blank(), { ...contract, decoding }), plain);
  }
});

const { fit: _, ...WITHOUT_FIT } = GOOD;
const WRONG_CONTRACTS = [
  null,
  undefined,
  [],
  "mnist",
  {},
  WITHOUT_FIT,
  { ...GOOD, extra: 1 },
  ...["quick", "", 1, null, undefined].map((decoding) => ({ ...GOOD, decoding })),
  ...[0, 1025, 1e30, -28, 28.5, NaN, "28", true, null, [28], { valueOf: 28 }].map((height) => ({ ...GOOD, height })),
  { ...GOOD, width: Infinity },
  ...[2, true, 3, "1"].map((channels) => ({ ...GOOD, channels })),
  ...["zoom", ["mnist"], {}, "toString"].map((fit) => ({ ...GOOD, fit })),
  ...["Auto", 1].map((polarity) => ({ ...GOOD, polarity })),
  ...[256, -1].map((background) => ({ ...GOOD, background })),
];

for (const [index, contract] of WRONG_CONTRACTS.entries()) {
  test(`a wrong contract is refused with what was received, number ${index}`, () => {
    const wrong = /** @type {Contract} */ (/** @type {unknown} */ (contract));
    assert.throws(() => preprocess(blank(), wrong), /^Error: Expected [^\n]+\. Received: \w+=[^\n]*\.$/);
  });
}

const WRONG_PICTURES = [
  null,
  {},
  { ...blank(), height: 0, data: new Uint8Array(0) },
  { ...blank(), channels: 5, data: new Uint8Array(100) },
  { ...blank(), channels: 0, data: new Uint8Array(0) },
  { ...blank(), height: 2.5, width: 8 },
  { ...blank(), data: new Uint8Array(19) },
  { ...blank(), data: new Uint16Array(20) },
  { ...blank(), data: Array(20).fill(0) },
];

for (const [index, picture] of WRONG_PICTURES.entries()) {
  test(`a wrong picture is refused with what was received, number ${index}`, () => {
    const wrong = /** @type {import("#web/core/picture.js").AnyPicture} */ (/** @type {unknown} */ (picture));
    assert.throws(() => preprocess(wrong, GOOD), /^Error: Expected .+ 1 to 4 channels .+ Received: height=.+\.$/);
  });
}
