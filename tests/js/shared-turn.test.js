import assert from "node:assert/strict";
import { test } from "node:test";
import { applyEvent } from "../../extension/shared/turn.js";

/** @import {ResponseEvent, Turn} from "../../extension/shared/protocol.js" */

/**
 * @param {Partial<Turn>} [fields]
 * @returns {Turn}
 */
function newTurn(fields = {}) {
  return { id: "t1", user: "Hello", created_at: 1, status: "running", blocks: [], ...fields };
}

/**
 * @param {...ResponseEvent} events
 * @returns {Turn}
 */
function after(...events) {
  const turn = newTurn();
  for (const event of events) applyEvent(turn, event);
  return turn;
}

/** @param {Turn} turn */
function kinds(turn) {
  return turn.blocks.map((block) => [block.kind, block.text, block.open]);
}

/**
 * @param {string} delta
 * @param {string} [item_id]
 */
const text = (delta, item_id) => ({ type: "OutputTextDelta", delta, item_id });

/**
 * @param {string} content
 * @param {any[]} [annotations]
 */
const message = (content, annotations) => ({
  type: "OutputItemDone",
  item: { type: "message", role: "assistant", id: "m", content: [{ type: "output_text", text: content, annotations }] },
});

test("deltas with and without an item id grow one block", () => {
  assert.deepEqual(kinds(after(text("a", "m"), text("b"), text("c", "m"))), [["text", "abc", true]]);
});

test("deltas of another item begin another block", () => {
  const turn = after(text("a", "m"), text("b", "n"), text("c", "m"));
  assert.deepEqual(kinds(turn), [
    ["text", "ac", true],
    ["text", "b", true],
  ]);
});

test("the finished item's text is what counts", () => {
  assert.deepEqual(kinds(after(text("Helo", "m"), message("Hello"))), [["text", "Hello", false]]);
  assert.deepEqual(kinds(after(message("Hello"))), [["text", "Hello", false]]);
  assert.deepEqual(kinds(after(text("Hel", "m"), message(""))), [["text", "Hel", false]]);
});

test("a block keeps its identity while it grows, and loses it when its text changes", () => {
  const turn = after(text("Hel", "m"));
  const [block] = turn.blocks;
  applyEvent(turn, message("Hello"));
  assert.equal(turn.blocks[0], block);
  const other = after(text("Hal", "m"));
  const [replaced] = other.blocks;
  applyEvent(other, message("Hello"));
  assert.notEqual(other.blocks[0], replaced);
});

test("text and refusal of one message", () => {
  const content = [
    { type: "output_text", text: "Well. " },
    { type: "refusal", refusal: "No." },
  ];
  const done = { type: "OutputItemDone", item: { type: "message", role: "assistant", id: "m", content } };
  const turn = after(text("Well. ", "m"), { type: "RefusalDelta", delta: "No.", item_id: "m" }, done);
  assert.deepEqual(kinds(turn), [
    ["text", "Well. ", false],
    ["refusal", "No.", false],
  ]);
});

test("parts of a reasoning summary are separated", () => {
  const part = { type: "ReasoningSummaryPartAdded", summary_index: 0 };
  const delta = (/** @type {string} */ d) => ({ type: "ReasoningSummaryDelta", delta: d, summary_index: 0 });
  const second = { summary_index: 1 };
  const events = [part, delta("One"), { ...part, ...second }, { ...delta("Two"), ...second }];
  assert.deepEqual(kinds(after(...events)), [["reasoning", "One\n\nTwo", true]]);
  const item = { type: "reasoning", id: "r", summary: [{ text: "One" }, { text: "Two" }] };
  assert.deepEqual(kinds(after(...events, { type: "OutputItemDone", item })), [["reasoning", "One\n\nTwo", false]]);
});

test("reasoning that stays encrypted leaves no empty block", () => {
  const item = { type: "reasoning", id: "r", summary: [] };
  assert.deepEqual(kinds(after({ type: "OutputItemAdded", item }, { type: "OutputItemDone", item })), []);
});

test("Reconnecting takes back what was unfinished", () => {
  const reconnecting = {
    type: "Reconnecting",
    attempt: 1,
    max_attempts: 5,
    delay_ms: 2000,
    reason: "WorkerConnection lost.",
  };
  const turn = after(message("Whole"), text("Half", "n"), reconnecting);
  assert.deepEqual(kinds(turn), [["text", "Whole", false]]);
  assert.equal(turn.status, "reconnecting");
  assert.equal(turn.notice, "Reconnecting 1/5 in 2 s: WorkerConnection lost.");
  applyEvent(turn, text("Half again", "o"));
  assert.equal(turn.status, "running");
  assert.equal(turn.notice, undefined);
});

test("silence is reported and forgotten", () => {
  const turn = after(text("a"), { type: "StreamIdle", idle_ms: 30_000, timeout_ms: 300_000 });
  assert.equal(turn.notice, "Nothing received for 30 s; giving up after 300 s");
  applyEvent(turn, text("b"));
  assert.equal(turn.notice, undefined);
});

test("a function call grows and ends", () => {
  const item = { type: "function_call", id: "f", call_id: "c", name: "look_up", arguments: "" };
  const delta = { type: "FunctionCallArgumentsDelta", item_id: "f", delta: '{"a"' };
  const turn = after({ type: "OutputItemAdded", item }, delta, { ...delta, delta: ":1}" });
  assert.deepEqual(turn.blocks, [
    { kind: "tool", text: '{"a":1}', name: "look_up", item_id: "f", call_id: "c", status: undefined, open: true },
  ]);
  applyEvent(turn, { type: "OutputItemDone", item: { ...item, arguments: '{"a":1}' } });
  assert.equal(turn.blocks.length, 1);
  assert.equal(turn.blocks[0].open, false);
  assert.equal(turn.blocks[0].status, "completed");
});

const BUILT_IN = [
  [{ type: "web_search_call", action: { type: "search", query: "cats" } }, "web_search", "cats"],
  [{ type: "local_shell_call", action: { command: ["ls", "-l"] } }, "local_shell", "ls -l"],
  [{ type: "custom_tool_call", name: "patch", input: "*** Begin" }, "patch", "*** Begin"],
  [{ type: "mcp_call", name: "roll", arguments: "{}" }, "roll", "{}"],
  [{ type: "file_search_call", queries: ["a", "b"] }, "file_search", "a b"],
];
for (const [item, name, shown] of BUILT_IN) {
  test(`a ${/** @type {any} */ (item).type} is one line`, () => {
    const { blocks } = after({ type: "OutputItemDone", item: { id: "x", .../** @type {object} */ (item) } });
    assert.deepEqual([blocks[0].name, blocks[0].text], [name, shown]);
  });
}

test("a web search shows its progress", () => {
  const turn = after(
    { type: "WebSearchCallBegin", call_id: "w" },
    { type: "ToolCallProgress", item_id: "w", tool: "web_search_call", status: "searching" },
  );
  assert.equal(turn.blocks.length, 1);
  assert.equal(turn.blocks[0].status, "searching");
  applyEvent(turn, { type: "OutputItemDone", item: { type: "web_search_call", id: "w", status: "completed" } });
  assert.equal(turn.blocks.length, 1);
  assert.equal(turn.blocks[0].status, "completed");
});

test("of very many sources the first 500 are named, and each is looked at once", () => {
  let looks = 0;
  /** @param {number} index */
  const annotation = (index) => ({
    type: "url_citation",
    get url() {
      looks += 1;
      return `https://a.example/${index}`;
    },
  });
  const turn = newTurn();
  for (let index = 0; index < 5000; index += 1)
    applyEvent(turn, { type: "OutputTextAnnotationAdded", item_id: "m", annotation: annotation(index % 2500) });
  const last = turn.blocks[0].citations;
  assert.equal(last?.length, 500);
  assert.deepEqual(last?.[499], { url: "https://a.example/499" });
  assert.equal(looks, 5000);
  applyEvent(turn, { type: "OutputTextAnnotationAdded", item_id: "m", annotation: annotation(3) });
  assert.equal(turn.blocks[0].citations, last);
});

test("citations are listed once", () => {
  const annotation = { type: "url_citation", url: "https://a.example", title: "A" };
  const added = { type: "OutputTextAnnotationAdded", item_id: "m", annotation };
  const turn = after(
    text("See", "m"),
    added,
    message("See", [
      annotation,
      { type: "file_citation", file_id: "f" },
      { url_citation: { url: "https://b.example" } },
    ]),
  );
  assert.deepEqual(turn.blocks[0].citations, [{ url: "https://a.example", title: "A" }, { url: "https://b.example" }]);
});

test("Completed closes everything and brings the usage", () => {
  const turn = after(text("a"), { type: "Completed", token_usage: { total_tokens: 7 } });
  assert.deepEqual(kinds(turn), [["text", "a", false]]);
  assert.deepEqual(turn.usage, { total_tokens: 7 });
});

test("what is unknown changes nothing", () => {
  assert.deepEqual(after({ type: "Unheard" }, { type: "OutputItemDone", item: { type: "compaction" } }).blocks, []);
  assert.deepEqual(after({ type: "OutputItemDone", item: { type: "message", role: "user", content: [] } }).blocks, []);
});
