import assert from "node:assert/strict";
import { test } from "node:test";
import { applyEvent, versionOf } from "../../extension/shared/turn.js";
import { Conversation } from "../../extension/sidepanel/conversation/conversation.js";

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

test("parts of a reasoning summary stand apart", () => {
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

test("silence is told and forgotten", () => {
  const turn = after(text("a"), { type: "StreamIdle", idle_ms: 30_000, timeout_ms: 300_000 });
  assert.equal(turn.notice, "Nothing has come for 30 s; giving up after 300 s");
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

test("a web search tells how far it is", () => {
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

// --- messages ------------------------------------------------------------------------------------

/**
 * @param {Turn[]} turns
 * @param {number} [seq]
 */
function joined(turns, seq = 0) {
  const conversation = new Conversation();
  conversation.receive({ type: "Conversation", conversation: { id: "c1", turns }, seq });
  return conversation;
}

/**
 * @param {number} seq
 * @param {...ResponseEvent} events
 */
function batch(seq, ...events) {
  return /** @type {const} */ ({ type: "Events", turn_id: "t1", seq, events });
}

test("batches that the conversation holds already are ignored", () => {
  const conversation = joined([newTurn({ blocks: [{ kind: "text", text: "ab", open: true }] })], 2);
  assert.equal(conversation.receive(batch(2, text("b"))), true);
  assert.equal(conversation.receive(batch(3, text("c"))), true);
  assert.equal(conversation.turns[0].blocks[0].text, "abc");
});

test("a gap asks for the conversation, once", () => {
  const conversation = joined([newTurn()], 1);
  assert.equal(conversation.receive(batch(3, text("c"))), false);
  assert.equal(conversation.receive(batch(4, text("d"))), true);
  assert.equal(conversation.turns[0].blocks.length, 0);
  conversation.receive({
    type: "Conversation",
    conversation: { id: "c1", turns: [newTurn({ blocks: [{ kind: "text", text: "abcd", open: true }] })] },
    seq: 4,
  });
  assert.equal(conversation.receive(batch(5, text("e"))), true);
  assert.equal(conversation.turns[0].blocks[0].text, "abcde");
});

test("batches that come as one follow on the last one, or ask for the conversation", () => {
  const conversation = joined([newTurn()], 1);
  assert.equal(conversation.receive({ ...batch(4, text("b"), text("c"), text("d")), first: 2 }), true);
  assert.equal(conversation.receive(batch(5, text("e"))), true);
  assert.equal(conversation.receive({ ...batch(4, text("b"), text("c"), text("d")), first: 2 }), true);
  assert.equal(conversation.turns[0].blocks[0].text, "bcde");
  for (const first of [4, 5, 7]) {
    const other = joined([newTurn()], 5);
    assert.equal(other.receive({ ...batch(8, text("x")), first }), false);
    assert.deepEqual(other.turns[0].blocks, []);
  }
});

test("batches of an unknown turn ask for the conversation", () => {
  assert.equal(joined([]).receive(batch(1, text("a"))), false);
});

test("a turn that is run again counts its batches from 1", () => {
  const conversation = joined([newTurn()], 0);
  conversation.receive(batch(1, text("a")));
  conversation.receive({ type: "Turn", turn: newTurn({ status: "failed", error: { kind: "network", message: "x" } }) });
  conversation.receive({ type: "Turn", turn: newTurn() });
  assert.equal(conversation.turns[0].error, undefined);
  assert.equal(conversation.receive(batch(1, text("b"))), true);
  assert.deepEqual(kinds(conversation.turns[0]), [["text", "b", true]]);
});

test("a turn's update keeps the blocks that are drawn", () => {
  const conversation = joined([newTurn()], 0);
  conversation.receive(batch(1, text("Hel", "m")));
  const [block] = conversation.turns[0].blocks;
  const blocks = [{ kind: /** @type {const} */ ("text"), text: "Hello", open: true }];
  conversation.receive({ type: "Turn", turn: newTurn({ status: "completed", blocks }) });
  assert.equal(conversation.turns[0].blocks[0], block);
  assert.deepEqual(kinds(conversation.turns[0]), [["text", "Hello", false]]);
});

test("a message stands there before the worker has it, and is sent again until it is stored", () => {
  const conversation = joined([]);
  conversation.add("t1", "Hello", 5);
  assert.equal(conversation.running?.id, "t1");
  conversation.receive({ type: "Conversation", conversation: { id: "c1", turns: [] }, seq: 0 });
  assert.deepEqual(conversation.unconfirmed, [{ id: "t1", text: "Hello", conversation: "c1" }]);
  assert.equal(conversation.turns.length, 1);
  conversation.receive({ type: "Turn", turn: newTurn() });
  assert.equal(conversation.turns.length, 1);
  assert.equal(conversation.unconfirmed.length, 1, "the worker may still die before it has stored it");
  conversation.receive({ type: "Conversation", conversation: { id: "c1", turns: [] }, seq: 0 });
  assert.equal(conversation.turns.length, 1);
  conversation.receive({ type: "Conversation", conversation: { id: "c1", turns: [newTurn()] }, seq: 0 });
  assert.equal(conversation.turns.length, 1);
  conversation.confirm("t1");
  assert.deepEqual(conversation.unconfirmed, []);
  assert.equal(conversation.receive(batch(1, text("Hi"))), true);
});

test("what has ended without having been stored is not sent again unasked", () => {
  const conversation = joined([]);
  conversation.add("t1", "Hello", 5);
  conversation.receive({ type: "Turn", turn: newTurn({ status: "failed" }) });
  assert.deepEqual(conversation.unconfirmed, []);
});

test("a message written before the panel knew its conversation is meant for the one that it gets", () => {
  const conversation = new Conversation();
  conversation.add("t1", "Hello", 5);
  assert.equal(conversation.unconfirmed[0].conversation, "");
  conversation.receive({ type: "Conversation", conversation: { id: "c1", turns: [] }, seq: 0 });
  assert.equal(conversation.unconfirmed[0].conversation, "c1");
  assert.equal(conversation.turns.length, 1);
});

test("a new conversation stands there at once, and what is still said of the old one does not count", () => {
  const conversation = joined([newTurn()]);
  conversation.add("t2", "Not confirmed", 5);
  conversation.begin("c2");
  assert.deepEqual([conversation.id, conversation.turns], ["c2", []]);
  conversation.add("t3", "Hello", 6);
  assert.equal(conversation.receive(batch(1, text("Hi"))), true);
  conversation.receive({ type: "Turn", turn: newTurn() });
  conversation.receive({ type: "Conversation", conversation: { id: "c1", turns: [newTurn()] }, seq: 0 });
  assert.deepEqual(
    conversation.turns.map((turn) => turn.id),
    ["t3"],
  );
  conversation.receive({ type: "Conversation", conversation: { id: "c2", turns: [] }, seq: 0 });
  conversation.confirm("t3");
  assert.deepEqual(
    conversation.unconfirmed,
    [{ id: "t2", text: "Not confirmed", conversation: "c1" }],
    "still to be sent to where it belongs",
  );
});

test("a rejected message comes back", () => {
  const conversation = joined([]);
  conversation.add("t1", "Hello", 5);
  assert.deepEqual(conversation.takeBack("t1"), { text: "Hello", attachments: [], conversation: "c1" });
  assert.deepEqual(conversation.turns, []);
  assert.equal(conversation.takeBack("t1"), undefined);
});

test("another conversation replaces this one", () => {
  const conversation = joined([newTurn({ status: "completed" })]);
  conversation.receive({ type: "Conversation", conversation: { id: "c2", turns: [] }, seq: 0 });
  assert.deepEqual(conversation.turns, []);
  assert.equal(conversation.running, undefined);
});

test("what stands in line is neither running nor over", () => {
  const conversation = new Conversation();
  const running = newTurn({ status: "running" });
  const queued = newTurn({ id: "t2", status: "queued", waiting: { reason: "turn" } });
  conversation.receive({ type: "Conversation", conversation: { id: "c", turns: [running, queued] }, seq: 4 });
  assert.equal(conversation.running?.id, "t1");
  conversation.receive({ type: "Turn", turn: newTurn({ status: "completed" }) });
  assert.ok(!conversation.running);
  conversation.receive({ type: "Turn", turn: newTurn({ id: "t2" }) });
  assert.equal(conversation.turns[1].waiting, undefined);
  assert.equal(conversation.receive({ type: "Events", turn_id: "t2", seq: 1, events: [text("a")] }), true);
});

test("a message behind an answer under way waits from the start, and leaves when it is cancelled", () => {
  const conversation = new Conversation();
  conversation.add("a", "first", 1);
  conversation.add("b", "second", 2);
  assert.equal(conversation.running?.id, "a");
  assert.equal(conversation.turns[1].waiting?.reason, "turn");
  conversation.remove("b");
  assert.deepEqual(
    conversation.turns.map((turn) => turn.id),
    ["a"],
  );
  assert.equal(conversation.unconfirmed.length, 1);
});

// --- long conversations, branches, settings -----------------------------------------------------------------------------

/**
 * Finished turns, one after the other.
 * @param {number} from
 * @param {number} to
 */
function path(from, to) {
  return Array.from({ length: to - from + 1 }, (_, index) =>
    newTurn({ id: `t${from + index}`, parent: `t${from + index - 1}`, status: "completed" }),
  );
}

/** @param {Conversation} conversation */
const span = ({ turns, earlier }) => [turns[0]?.id, turns.at(-1)?.id, turns.length, earlier];

/**
 * @param {Conversation} conversation
 * @param {Turn[]} turns
 * @param {number} earlier
 */
function show(conversation, turns, earlier, id = "c1") {
  conversation.receive({ type: "Conversation", conversation: { id, turns, earlier }, seq: 0 });
}

test("earlier turns come before those that are here", () => {
  const conversation = new Conversation();
  show(conversation, path(81, 120), 80);
  conversation.receive({ type: "Earlier", turns: path(41, 80), earlier: 40 });
  assert.deepEqual(span(conversation), ["t41", "t120", 80, 40]);
  // The same once more, and what belongs to another branch.
  conversation.receive({ type: "Earlier", turns: path(41, 80), earlier: 40 });
  conversation.receive({ type: "Earlier", turns: [newTurn({ id: "x" })], earlier: 3 });
  conversation.receive({ type: "Earlier", turns: [], earlier: 0 });
  assert.deepEqual(span(conversation), ["t41", "t120", 80, 40]);
});

test("what was loaded stays when the conversation comes again, and goes with its branch", () => {
  const conversation = new Conversation();
  show(conversation, path(81, 120), 80);
  conversation.receive({ type: "Earlier", turns: path(41, 80), earlier: 40 });
  const [first] = conversation.turns;
  show(conversation, path(82, 121), 81);
  assert.deepEqual(span(conversation), ["t41", "t121", 81, 40]);
  assert.equal(conversation.turns[0], first);
  const other = [newTurn({ id: "t50b", parent: "t49", status: "completed" })];
  show(conversation, [...path(45, 49), ...other], 44);
  assert.deepEqual(span(conversation), ["t41", "t50b", 10, 40]);
  show(conversation, path(81, 120), 80);
  assert.deepEqual(span(conversation), ["t81", "t120", 40, 80]);
  show(conversation, path(81, 120), 80, "c2");
  assert.deepEqual(span(conversation), ["t81", "t120", 40, 80]);
});

test("a turn that begins a branch leaves nothing of the other one behind", () => {
  const conversation = new Conversation();
  show(conversation, path(1, 3), 0);
  const turn = newTurn({ id: "t1b", parent: undefined });
  conversation.receive({ type: "Turn", turn });
  show(conversation, [turn], 0);
  assert.deepEqual(span(conversation), ["t1b", "t1b", 1, 0]);
});

test("a conversation is active while any of its turns is under way or in line", () => {
  assert.equal(joined([newTurn({ status: "completed" })]).isActive, false);
  assert.equal(joined([newTurn()]).isActive, true);
  assert.equal(joined([newTurn({ status: "queued", waiting: { reason: "pause" } })]).isActive, true);
});

test("what a turn no longer has of siblings and actions is forgotten", () => {
  const conversation = joined([newTurn({ status: "failed", siblings: ["t1", "t2"], actions: ["continue"] })]);
  conversation.receive({ type: "Turn", turn: newTurn() });
  const [turn] = conversation.turns;
  assert.deepEqual([turn.siblings, turn.actions], [undefined, undefined]);
  assert.deepEqual(versionOf(turn), { at: 1, of: 1 });
  assert.deepEqual(versionOf({ ...turn, id: "b", siblings: ["a", "b", "c"] }), { at: 2, of: 3 });
});

test("settings come with the conversation and when they change", () => {
  const conversation = new Conversation();
  const settings = { model: "m" };
  conversation.receive({ type: "Conversation", conversation: { id: "c1", turns: [], settings }, seq: 0 });
  assert.deepEqual(conversation.settings, settings);
  conversation.receive({ type: "Configured", settings: { effort: "low" } });
  assert.deepEqual(conversation.settings, { effort: "low" });
  conversation.receive({ type: "Conversation", conversation: { id: "c2", turns: [] }, seq: 0 });
  assert.deepEqual(conversation.settings, {});
});

test("what a call has to show stays when a later message leaves it out", () => {
  const conversation = new Conversation();
  const shown = { figures: [{ type: "png", base64: "iVBORw0KGgo" }] };
  const block = { kind: "tool", text: "A cat", name: "image_generation", item_id: "ig", open: false };
  const turn = { id: "t", user: "?", created_at: 0, status: "running", blocks: [{ ...block, shown }] };
  conversation.receive(/** @type {any} */ ({ type: "Conversation", conversation: { id: "c", turns: [turn] }, seq: 1 }));
  const again = { ...turn, blocks: [{ ...block, shown: { held_back: true } }] };
  conversation.receive(
    /** @type {any} */ ({ type: "Conversation", conversation: { id: "c", turns: [again] }, seq: 1 }),
  );
  assert.deepEqual(conversation.turns[0].blocks[0].shown, shown);
  for (const text of ["A cat", "Another cat"]) {
    const later = { ...turn, status: "completed", blocks: [{ ...block, text }] };
    conversation.receive(/** @type {any} */ ({ type: "Turn", turn: later }));
    assert.deepEqual(conversation.turns[0].blocks[0].shown, shown);
    assert.equal(conversation.turns[0].blocks[0].text, text);
  }
});
