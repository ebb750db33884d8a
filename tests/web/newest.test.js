// Requests that come faster than answers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { newest } from "#web/core/newest.js";

/** A calculation of some milliseconds that notes what it began and what it gave. @param {number} milliseconds */
function slow(milliseconds) {
  const seen = { value: 0, began: /** @type {number[]} */ ([]), gave: /** @type {number[]} */ ([]), rested: 0 };
  const queue = newest(
    async (current) => {
      const { value } = seen;
      seen.began.push(value);
      await sleep(milliseconds);
      if (current()) seen.gave.push(value);
    },
    () => sleep(1),
    () => void (seen.rested += 1),
  );
  return { seen, queue };
}

test("only the newest of the waiting requests is computed, and the last one always is", async () => {
  const { seen, queue } = slow(20);
  for (seen.value = 1; seen.value <= 9; seen.value++) queue.ask();
  seen.value = 9;
  await sleep(100);
  assert.deepEqual(seen.began, [1, 9]);
  assert.deepEqual(seen.gave, [1, 9]);
  assert.equal(seen.rested, 1);
});

test("what is dropped while it is computed gives nothing, and what is asked later does", async () => {
  const { seen, queue } = slow(20);
  seen.value = 1;
  queue.ask();
  queue.ask();
  await sleep(5);
  queue.drop();
  await sleep(60);
  assert.deepEqual(seen, { value: 1, began: [1], gave: [], rested: 1 });
  seen.value = 2;
  queue.ask();
  await sleep(60);
  assert.deepEqual(seen.gave, [2]);
});
