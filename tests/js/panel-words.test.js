import assert from "node:assert/strict";
import { test } from "node:test";
import { statusText, usageText, waitingText } from "../../extension/sidepanel/conversation/turn-labels.js";
import { percentText, spanText, timeText } from "../../extension/sidepanel/formats.js";
import { storageText } from "../../extension/sidepanel/list/list-labels.js";
import { answererOf } from "../../extension/sidepanel/settings/answerer.js";
import { callLine, toolState, toolTitle } from "../../extension/sidepanel/tools/call-labels.js";
import { contextText, creditsText, gaugeText } from "../../extension/sidepanel/usage/usage-labels.js";

/** @import {Block, Turn} from "../../extension/shared/protocol.js" */

const ready = /** @type {const} */ ({ type: "Boot", state: "ready", message: "" });
const provider = {
  configured: true,
  demo: false,
  locked: false,
  name: "OpenAI",
  model: "gpt-5.1",
  profiles: [
    { id: "1", name: "OpenAI", model: "gpt-5.1", tools: /** @type {const} */ ({ web_search: "yes" }) },
    { id: "2", name: "Ollama", model: "llama" },
  ],
  active: "1",
};

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
  ["stopped", { last: turn({ status: "stopped" }) }, "Stopped. What had arrived is kept."],
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

test("who answers is as the conversation says, else as the settings say", () => {
  const active = { id: "1", name: "OpenAI", model: "gpt-5.1", hasOwnProfile: false, tools: { web_search: "yes" } };
  assert.deepEqual(answererOf(provider, {}), active);
  assert.deepEqual(answererOf(provider, { model: "mini" }), { ...active, model: "mini" });
  const own = { id: "2", name: "Ollama", model: "llama", hasOwnProfile: true, tools: {} };
  assert.deepEqual(answererOf(provider, { profile: "2" }), own);
  assert.deepEqual(answererOf(provider, { profile: "2", model: "mini" }), { ...own, model: "mini" });
  assert.deepEqual(answererOf(provider, { profile: "removed" }), active);
  assert.equal(answererOf(null, { model: "mini" }).model, "mini");
});

test("tools have readable names and states", () => {
  assert.equal(toolTitle({ kind: "tool", text: "", name: "look_up", open: false }), "look_up");
  assert.equal(toolTitle({ kind: "tool", text: "", open: false }), "Tool");
  assert.equal(toolState({ kind: "tool", text: "", status: "in_progress", open: true }), "running");
  assert.equal(toolState({ kind: "tool", text: "", status: "writing_code", open: true }), "writing code");
  assert.equal(toolState({ kind: "tool", text: "", open: false }), "");
  const call = /** @type {const} */ ({ kind: "tool", text: "", name: "python", call_id: "c", open: false });
  assert.equal(toolState({ ...call, asks: true }), "waits for your permission");
  assert.equal(toolState({ ...call, output: "2", duration_ms: 1234 }), "1.2 s");
  assert.equal(toolState({ ...call, output: "no", failed: true, duration_ms: 5 }), "failed · 5 ms");
  assert.equal(toolState({ ...call, output: "no", failed: true }), "failed");
  assert.equal(toolState({ ...call, status: "completed", begun: true }), "running");
  const undone = /** @type {const} */ ({ ...call, output: "no", failed: true, status: "not_carried_out" });
  assert.equal(toolState(undone), "not carried out");
  /** @param {Block} block */
  const status = (block) =>
    statusText({ boot: ready, isCalling: false, model: "m", running: turn({ blocks: [block] }), last: undefined });
  assert.equal(status({ ...call, asks: true }), "The model waits for your permission.");
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
  [{ name: "image_generation", open: true, status: "generating" }, "Making an image", ""],
  [{ name: "image_generation", status: "completed", text: "A cat" }, "Made an image", ""],
  [{ name: "image_generation", status: "failed", failed: true }, "No image was made", ""],
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

test("times are told as people tell them", () => {
  const at = (/** @type {string} */ text) => new Date(text).getTime();
  const now = at("2026-03-10T12:00:00");
  const texts = ["11:59:40", "11:45:00", "09:10:00", "00:00:00"].map((time) => timeText(at(`2026-03-10T${time}`), now));
  assert.deepEqual(texts, ["now", "15 min. ago", "2 hr. ago", "12 hr. ago"]);
  assert.equal(timeText(at("2026-03-09T23:00:00"), now), "yesterday");
  assert.equal(timeText(at("2026-03-05T23:00:00"), now), "5 days ago");
  assert.equal(timeText(at("2026-02-01T23:00:00"), now), "Feb 1");
  assert.equal(timeText(at("2025-02-01T23:00:00"), now), "Feb 1, 2025");
  assert.equal(timeText(now + 60_000, now), "now");
});

test("what is stored is told in megabytes", () => {
  const use = { used_bytes: 34_900_000, quota_bytes: 1e9, conversations: 1002, snapshot_bytes: 31_460_000 };
  assert.equal(storageText(use), "1,002 conversations · 34.9 MB on disk, 31.5 MB of it to start fast");
  assert.equal(storageText({ ...use, conversations: 1, snapshot_bytes: 0 }), "1 conversation · 34.9 MB on disk");
});

test("why a message waits, and for how long", () => {
  const limit = (/** @type {number} */ ms) => waitingText({ reason: "rate_limit", until: 1_000_000 + ms }, 1_000_000);
  assert.equal(limit(300), "Rate limit: goes in 1 s");
  assert.equal(limit(-5), "Rate limit: goes in 0 s");
  assert.equal(limit(125_000), "Rate limit: goes in 2:05 min");
  assert.equal(limit(7_260_000), "Rate limit: goes in 2:01 h");
  assert.equal(waitingText({ reason: "turn" }, 0), "Waits its turn");
  assert.equal(waitingText({ reason: "offline" }, 0), "Waits for the network");
  assert.match(waitingText({ reason: "pause" }, 0), /^Held back/);
});

test("how much of the context window is taken", () => {
  assert.equal(contextText(undefined), null);
  assert.equal(contextText({ usage: {}, context_window: 272_000 }), null);
  assert.deepEqual(contextText({ usage: {}, context_used: 12_345 }), { short: "12.3K", long: "12,345" });
  assert.deepEqual(contextText({ usage: {}, context_used: 999, context_window: 1_047_576 }), {
    short: "999 of 1.05M",
    long: "999 of 1,047,576",
  });
});

test("how much of a limit is used, as far as it is told", () => {
  const label = "Requests";
  assert.equal(gaugeText({ label, percent: 42.9 }), "42% used");
  assert.equal(gaugeText({ label, percent: 20, limit: 5000, remaining: 4000 }), "4,000 of 5,000 left");
  assert.equal(gaugeText({ label, remaining: 0 }), "0 left");
  assert.equal(gaugeText({ label, limit: 5000 }), "at most 5,000");
  assert.deepEqual([99.99, 100].map(percentText), ["99%", "100%"]);
});

test("what is left of bought credits", () => {
  assert.equal(creditsText({ has_credits: true, unlimited: true }), "Credits: unlimited");
  assert.equal(creditsText({ has_credits: true, unlimited: false, balance: "12.50" }), "Credits: 12.50 left");
  assert.equal(creditsText({ has_credits: true, unlimited: false }), "Credits: available");
  assert.equal(creditsText({ has_credits: false, unlimited: false, balance: "0" }), "Credits: none left");
});

test("spans of time", () => {
  const [second, minute, hour] = [1000, 60_000, 3_600_000];
  /** @type {[number, string][]} */
  const cases = [
    [-5, "0 s"],
    [300, "1 s"],
    [59 * second, "59 s"],
    [61 * second, "2 min"],
    [59 * minute + 1, "1 h"],
    [2 * hour + 5 * minute, "2 h 5 min"],
    [24 * hour, "1 d"],
    [76 * hour + 59 * minute, "3 d 4 h"],
  ];
  for (const [ms, text] of cases) assert.equal(spanText(ms), text);
});
