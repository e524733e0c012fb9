import assert from "node:assert/strict";
import { test } from "node:test";
import { statusText, toolState, toolTitle, usageText } from "../../extension/sidepanel/words.js";

/** @import {Block, Turn} from "../../extension/protocol.js" */

const ready = /** @type {const} */ ({ type: "Boot", state: "ready", message: "" });
const provider = { configured: true, demo: false, locked: false, name: "OpenAI", model: "gpt-5.1" };

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

/** @type {[string, Partial<Parameters<typeof statusText>[0]>, string][]} */
const STATUS = [
  ["nothing going on", {}, ""],
  ["booting", { boot: { type: "Boot", state: "starting", message: "Starting Python…" } }, "Starting Python…"],
  ["booting in silence", { boot: { type: "Boot", state: "starting", message: "" } }, "Starting…"],
  ["waiting", { running: turn({}) }, "Waiting for gpt-5.1…"],
  ["waiting for another model", { running: turn({ model: "other" }) }, "Waiting for other…"],
  ["waiting for nobody known", { running: turn({}), provider: null }, "Waiting for the model…"],
  ["thinking", { running: turn({ blocks: [open("reasoning", "")] }) }, "Thinking…"],
  ["writing", { running: turn({ blocks: [open("text", "a")] }) }, "Writing…"],
  ["searching", { running: turn({ blocks: [open("tool", "")] }) }, "Web search…"],
  ["a notice", { running: turn({ notice: "Reconnecting 1/5 in 2 s: x" }) }, "Reconnecting 1/5 in 2 s: x"],
  ["calling the worker", { running: turn({}), isCalling: true }, "Reconnecting to the background process…"],
  ["done", { last: turn({ status: "completed" }) }, "The answer is complete."],
  ["stopped", { last: turn({ status: "stopped" }) }, "Stopped. What had arrived is kept."],
  ["failed: the alert speaks", { last: turn({ status: "failed" }) }, ""],
];

for (const [name, state, expected] of STATUS) {
  test(`status: ${name}`, () => {
    assert.equal(statusText({ boot: ready, isCalling: false, provider, ...state }), expected);
  });
}

test("tools have readable names and states", () => {
  assert.equal(toolTitle({ kind: "tool", text: "", name: "look_up", open: false }), "look_up");
  assert.equal(toolTitle({ kind: "tool", text: "", open: false }), "Tool");
  assert.equal(toolState({ kind: "tool", text: "", status: "in_progress", open: true }), "running");
  assert.equal(toolState({ kind: "tool", text: "", status: "writing_code", open: true }), "writing code");
  assert.equal(toolState({ kind: "tool", text: "", open: false }), "");
});

test("usage is short in the row and whole in the tooltip", () => {
  assert.equal(usageText(turn({})), null);
  assert.equal(usageText(turn({ usage: { input_tokens: 0, output_tokens: 0 } })), null);
  const usage = { input_tokens: 12, cached_input_tokens: 4, output_tokens: 34, reasoning_output_tokens: 5 };
  assert.deepEqual(usageText(turn({ usage, model: "m" })), {
    short: "12 in · 34 out",
    long: [
      "Input: 12 tokens",
      "of these from the cache: 4",
      "Output: 34 tokens",
      "of these reasoning: 5",
      "Model: m",
    ].join("\n"),
  });
});
