import assert from "node:assert/strict";
import { test } from "node:test";

import { output_size, padding_split, tap_positions, window_of } from "#web/core/conv_arithmetic.js";
import { load_kinds } from "#web/core/layer_kinds.js";
import { input_span, trace } from "#web/core/receptive_field.js";

await load_kinds(["Conv2D", "ReLU", "Flatten", "Dense", "MaxPooling2D", "ZeroPadding2D", "Add"]);

/** @type {(kind: string, config: object, input_shape: number[], output_shape: number[]) => any} */
const row = (kind, config, input_shape, output_shape) => ({ name: kind, kind, config, input_shape, output_shape });

/** Every combination of options on one axis. */
function* axes() {
  for (const padding of ["valid", "same"]) {
    for (let size = 1; size <= 9; size += 1) {
      for (let kernel = 1; kernel <= 4; kernel += 1) {
        for (let strides = 1; strides <= 3; strides += 1) yield { size, kernel, strides, padding, dilation_rate: 1 };
        for (let dilation_rate = 2; dilation_rate <= 3; dilation_rate += 1) {
          yield { size, kernel, strides: 1, padding, dilation_rate };
        }
      }
    }
  }
}

/**
 * Where the windows begin, the slow way: on a padded axis, slide from the first place to the last that fits.
 *
 * @param {{size: number, kernel: number, strides: number, padding: string, dilation_rate: number}} axis
 * @returns {number[]}
 */
function starts({ size, kernel, strides, padding, dilation_rate }) {
  const extent = (kernel - 1) * dilation_rate + 1;
  let [before, after] = [0, 0];
  if (padding === "same") {
    const fits = () => Math.floor((size + before + after - extent) / strides) + 1;
    // one zero at a time, at the end first, until there are as many windows as "same" promises
    while (size + before + after < extent || fits() < Math.ceil(size / strides)) {
      if (before < after) before += 1;
      else after += 1;
    }
  }
  const found = [];
  for (let start = -before; start + extent <= size + after; start += strides) found.push(start);
  return found;
}

test("sizes and padding match windows placed one by one", () => {
  for (const axis of axes()) {
    const { size, kernel, ...slide } = axis;
    const found = starts(axis);
    assert.equal(Math.max(0, output_size(size, kernel, slide)), found.length, JSON.stringify(axis));
    if (found.length) assert.equal(-padding_split(size, kernel, slide)[0] || 0, found[0] || 0, JSON.stringify(axis));
  }
});

test("the odd zero of same padding goes to the end", () => {
  assert.deepEqual(padding_split(28, 3, { strides: 2, padding: "same" }), [0, 1]);
  assert.deepEqual(padding_split(28, 4, { padding: "same" }), [1, 2]);
  assert.deepEqual(padding_split(28, 3), [0, 0]);
});

test("convolutions and poolings have a window, other layers have none", () => {
  const pooling = row("MaxPooling2D", { pool_size: [2, 3], strides: [2, 1], padding: "same" }, [4, 4, 1], [2, 4, 1]);
  const expected = { kernel_size: [2, 3], strides: [2, 1], padding: "same", dilation_rate: [1, 1] };
  assert.deepEqual(window_of(pooling), expected);
  assert.equal(window_of(row("ReLU", {}, [4, 4, 1], [4, 4, 1])), null);
  const relu = row("ReLU", {}, [4, 4, 1], [4, 4, 1]);
  assert.throws(() => tap_positions(relu, 0, 0), /a layer with a window\. Received: ReLU/);
});

test("the input span of a range of outputs is the smallest that holds all their taps", () => {
  for (const axis of axes()) {
    const { size, kernel, strides, padding, dilation_rate } = axis;
    const found = starts(axis);
    const config = { kernel_size: [kernel, 1], strides: [strides, 1], padding, dilation_rate: [dilation_rate, 1] };
    const layer = row("Conv2D", config, [size, 5, 1], [found.length, 5, 1]);
    for (let r0 = 0; r0 < found.length; r0 += 1) {
      for (let r1 = r0; r1 < found.length; r1 += 1) {
        const seen = found.slice(r0, r1 + 1)
          .flatMap((start) => Array.from({ length: kernel }, (_, tap) => start + tap * dilation_rate))
          .filter((at) => at >= 0 && at < size);
        const expected = seen.length ? { r0: Math.min(...seen), r1: Math.max(...seen), c0: 1, c1: 3 } : null;
        assert.deepEqual(input_span(layer, { r0, r1, c0: 1, c1: 3 }), expected, JSON.stringify({ ...axis, r0, r1 }));
      }
    }
  }
});

const SLIDE = { strides: [1, 1], padding: "valid", dilation_rate: [1, 1] };
const DEEP = /** @type {any} */ ({
  layers: [
    row("Conv2D", { ...SLIDE, kernel_size: [3, 3], padding: "same", strides: [2, 2] }, [9, 8, 1], [5, 4, 2]),
    row("ReLU", {}, [5, 4, 2], [5, 4, 2]),
    row("Conv2D", { ...SLIDE, kernel_size: [2, 1], dilation_rate: [2, 1] }, [5, 4, 2], [3, 4, 3]),
    row("Flatten", {}, [3, 4, 3], [36]),
    row("Dense", {}, [36], [2]),
  ],
});

test("a pixel is traced back through every layer to the image", () => {
  // rows 1 and 3 of the first convolution: its rows begin at -1, 1, 3, 5, 7; its columns, with no zero before, at 2 c
  assert.deepEqual(trace(DEEP, 2, 1, 3), [
    { r0: 1, r1: 7, c0: 6, c1: 7 },
    { r0: 1, r1: 3, c0: 3, c1: 3 },
    { r0: 1, r1: 3, c0: 3, c1: 3 },
    { r0: 1, r1: 1, c0: 3, c1: 3 },
  ]);
});

test("a unit after Flatten depends on the whole map", () => {
  const spans = trace(DEEP, 4, 0, 0);
  assert.deepEqual(spans.slice(3), [{ r0: 0, r1: 2, c0: 0, c1: 3 }, null, null]);
  assert.deepEqual(spans[0], { r0: 0, r1: 8, c0: 0, c1: 7 });
});

test("a pixel that does not exist cannot be traced", () => {
  assert.throws(() => trace(DEEP, 2, 3, 0), /Received: layer 2, row 3, column 0\./);
  assert.throws(() => trace(DEEP, 5, 0, 0), /Received: layer 5/);
});
