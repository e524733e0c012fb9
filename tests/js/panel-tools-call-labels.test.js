import assert from "node:assert/strict";
import { test } from "node:test";
import { statusText } from "../../extension/sidepanel/conversation/turn-labels.js";
import { callLine, toolState, toolTitle } from "../../extension/sidepanel/tools/call-labels.js";

/** @import {Block, Turn} from "../../extension/shared/protocol.js" */

const ready = /** @type {const} */ ({ type: "Boot", state: "ready", message: "" });

/**
 * @param {Partial<Turn>} fields
 * @returns {Turn}
 */
function turn(fields) {
  return { id: "t", user: "?", created_at: 0, status: "running", blocks: [], ...fields };
}

test("tools have readable names and states", () => {
  assert.equal(toolTitle({ kind: "tool", text: "", name: "look_up", open: false }), "look_up");
  assert.equal(toolTitle({ kind: "tool", text: "", open: false }), "Tool");
  assert.equal(toolState({ kind: "tool", text: "", status: "in_progress", open: true }), "running");
  assert.equal(toolState({ kind: "tool", text: "", status: "writing_code", open: true }), "writing code");
  assert.equal(toolState({ kind: "tool", text: "", open: false }), "");
  const call = /** @type {const} */ ({ kind: "tool", text: "", name: "python", call_id: "c", open: false });
  assert.equal(toolState({ ...call, asks: true }), "needs your permission");
  assert.equal(toolState({ ...call, output: "2", duration_ms: 1234 }), "1.2s");
  assert.equal(toolState({ ...call, output: "no", failed: true, duration_ms: 5 }), "failed · 5ms");
  assert.equal(toolState({ ...call, output: "no", failed: true }), "failed");
  assert.equal(toolState({ ...call, status: "completed", begun: true }), "running");
  const undone = /** @type {const} */ ({ ...call, output: "no", failed: true, status: "not_carried_out" });
  assert.equal(toolState(undone), "not carried out");
  /** @param {Block} block */
  const status = (block) =>
    statusText({ boot: ready, isCalling: false, model: "m", running: turn({ blocks: [block] }), last: undefined });
  assert.equal(status({ ...call, asks: true }), "The model needs your permission.");
  assert.equal(status(call), "Python…");
  assert.match(status({ ...call, output: "2" }), /^Waiting for/);
});

/** @type {[Partial<Block>, string, string][]} */
const LINES = [
  [{ name: "web_search", open: true, status: "searching" }, "Searching the web", ""],
  [{ name: "web_search", open: true, text: "bern" }, "Searching the web: bern", ""],
  [{ name: "web_search", status: "completed", text: "bern" }, "Searched the web: bern", ""],
  [{ name: "web_search", status: "completed", text: "https://a.example/b?c" }, "Read a.example", ""],
  [{ name: "web_search", status: "searching" }, "Web search", "not finished"],
  [{ name: "web_search", status: "failed", failed: true }, "The web search failed", ""],
  [{ name: "code_interpreter", open: true, status: "code" }, "Writing code", ""],
  [{ name: "code_interpreter", open: true, status: "interpreting" }, "Running code", ""],
  [{ name: "code_interpreter", status: "completed", text: "https://a.example", output: "1" }, "Ran code", ""],
  [{ name: "image_generation", open: true, status: "generating" }, "Creating an image", ""],
  [{ name: "image_generation", status: "completed", text: "A cat" }, "Created an image", ""],
  [{ name: "image_generation", status: "failed", failed: true }, "No image was created", ""],
  [{ name: "file_search", open: true }, "Searching files", ""],
  [{ name: "file_search", status: "completed", text: "x".repeat(200) }, `Searched files: ${"x".repeat(100)}…`, ""],
  [{ name: "web_search", call_id: "c", output: "" }, "Web search", "done"],
  [{ name: "python", call_id: "c", open: true }, "Python", "running"],
];
for (const [block, title, state] of LINES) {
  test(`the line of ${JSON.stringify(block).slice(0, 60)}`, () => {
    assert.deepEqual(callLine({ kind: "tool", text: "", open: false, ...block }), { title, state });
  });
}
