import assert from "node:assert/strict";
import { test } from "node:test";
import { statusText, usageText, waitingText } from "../../extension/sidepanel/conversation/turn-labels.js";

/** @import {Block, Turn} from "../../extension/shared/protocol.js" */

const ready = /** @type {const} */ ({ type: "Boot", state: "ready", message: "" });

/**
 * @param {Partial<Turn>} fields
 * @returns {Turn}
 */
function turn(fields) {
  return { id: "t", user: "?", created_at: 0, status: "running", blocks: [], ...fields };
}

/**
 * @param {Block["kind"]} kind
 * @param {string} text
 * @returns {Block}
 */
function open(kind, text) {
  return { kind, text, name: "web_search", open: true };
}

const thought = /** @type {const} */ ({ kind: "reasoning", text: "Hm.", open: false });

/** @type {[string, Partial<Parameters<typeof statusText>[0]>, string][]} */
const STATUS = [
  ["nothing going on", {}, ""],
  ["booting", { boot: { type: "Boot", state: "starting", message: "Starting Python…" } }, "Starting Python…"],
  ["booting in silence", { boot: { type: "Boot", state: "starting", message: "" } }, "Starting…"],
  ["waiting", { running: turn({}) }, "Waiting for gpt-5.1…"],
  ["waiting for another model", { running: turn({ model: "other" }) }, "Waiting for other…"],
  ["waiting for nobody known", { running: turn({}), model: "" }, "Waiting for the model…"],
  ["thinking", { running: turn({ blocks: [open("reasoning", "")] }) }, "Thinking…"],
  ["writing", { running: turn({ blocks: [open("text", "a")] }) }, "Writing…"],
  ["searching", { running: turn({ blocks: [open("tool", "")] }) }, "Searching the web…"],
  ["a notice", { running: turn({ notice: "Reconnecting 1/5 in 2 s: x" }) }, "Reconnecting 1/5 in 2 s: x"],
  ["calling the worker", { running: turn({}), isCalling: true }, "Reconnecting to the background process…"],
  ["done", { last: turn({ status: "completed" }) }, "The answer is complete."],
  ["stopped", { last: turn({ status: "stopped" }) }, "Stopped. The partial answer is saved."],
  ["summarising", { running: turn({ kind: "compaction" }) }, "Summarising earlier messages…"],
  ["summarised", { last: turn({ kind: "compaction", status: "completed" }) }, "Earlier messages were summarised."],
  ["completed without an answer: the notice speaks", { last: turn({ status: "completed", blocks: [thought] }) }, ""],
  ["failed: the alert speaks", { last: turn({ status: "failed" }) }, ""],
];

for (const [name, state, expected] of STATUS) {
  test(`status: ${name}`, () => {
    assert.equal(statusText({ boot: ready, isCalling: false, model: "gpt-5.1", ...state }), expected);
  });
}

test("usage is short in the row and whole in the tooltip", () => {
  assert.equal(usageText(turn({})), null);
  assert.equal(usageText(turn({ usage: { input_tokens: 0, output_tokens: 0 } })), null);
  const usage = { input_tokens: 12, cached_input_tokens: 4, output_tokens: 34, reasoning_output_tokens: 5 };
  assert.deepEqual(usageText(turn({ usage, model: "m" })), {
    short: "12 in · 34 out",
    long: ["Input: 12 tokens", "of which cached: 4", "Output: 34 tokens", "of which reasoning: 5", "Model: m"].join(
      "\n",
    ),
  });
});

test("why a message waits, and for how long", () => {
  const limit = (/** @type {number} */ ms) => waitingText({ reason: "rate_limit", until: 1_000_000 + ms }, 1_000_000);
  assert.equal(limit(300), "Rate limited. Sending in 0:01");
  assert.equal(limit(-5), "Rate limited. Sending in 0:00");
  assert.equal(limit(125_000), "Rate limited. Sending in 2:05");
  assert.equal(limit(7_260_000), "Rate limited. Sending in 2:01:00");
  assert.equal(waitingText({ reason: "turn" }, 0), "Queued");
  assert.equal(waitingText({ reason: "offline" }, 0), "Waiting for the network");
  assert.match(waitingText({ reason: "pause" }, 0), /^On hold/);
});
