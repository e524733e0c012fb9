import assert from "node:assert/strict";
import { test } from "node:test";
import { within } from "../../extension/worker/page/patience.js";

const late = () => new Error("late");

/** Keeps this thread busy, as the start of Python does. @param {number} ms */
function block(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("work that is done in time gives its result", async () => {
  assert.equal(await within(Promise.resolve("done"), 1, late, 5), "done");
});

test("work that never ends is given up", async () => {
  await assert.rejects(within(new Promise(() => {}), 2, late, 5), /late/);
});

test("errors are passed on", async () => {
  await assert.rejects(within(Promise.reject(new Error("broken")), 2, late, 5), /broken/);
});

test("an answer that waits for a busy worker does not count as late", async () => {
  const answer = new Promise((resolve) => setTimeout(resolve, 60, "answer"));
  const result = within(answer, 3, late, 15);
  block(200);
  assert.equal(await result, "answer");
});
