import assert from "node:assert/strict";
import { test } from "node:test";
import { after, copied, ERROR, newTurn, show } from "./turn-for-readers.js";

/** @import {Turn} from "../../extension/shared/protocol.js" */

test("dyad-sh/dyad#1870: each error can be copied, beside what helps on, the last one or not", async () => {
  const turn = newTurn({ status: "failed", model: "m", error: { ...ERROR, kind: "network" } });
  for (const isLast of [true, false]) {
    const { page } = show(turn, { isLast });
    assert.ok(page.find("button", "Open settings"));
    const button = page.find("button", "Copy details");
    Object.assign(button, { dataset: {} });
    button.click();
    await new Promise(setImmediate);
    assert.match(copied.at(-1) ?? "", /^What happened: The provider refused[\s\S]*\nModel: m\n[\s\S]*Turn: failed/);
  }
});

test("a stopped answer is no error, and has nothing to report", () => {
  const { page } = show(newTurn({ status: "stopped" }));
  assert.equal(page.find("button", "Copy details"), undefined);
});

test("a finish reason is shown with the error, unless the error names it or it is empty", () => {
  const shown = (/** @type {string} */ finish_reason, message = "The answer is incomplete.") =>
    show(newTurn({ status: "incomplete", finish_reason, error: { ...ERROR, message } })).page.textContent;
  assert.match(shown("malformed_function_call"), /finish reason malformed_function_call/);
  assert.doesNotMatch(shown("stop"), /finish reason/);
  assert.doesNotMatch(shown("length", "The answer stopped: length."), /finish reason/);
  const turn = after({}, [{ type: "Completed", response_id: "", finish_reason: "length" }]);
  assert.equal(turn.finish_reason, "length");
});
