import assert from "node:assert/strict";
import { test } from "node:test";
import { versionOf } from "../../extension/shared/turn.js";
import { Conversation } from "../../extension/sidepanel/conversation/conversation.js";

/** @import {ResponseEvent, Turn} from "../../extension/shared/protocol.js" */

/**
 * @param {Partial<Turn>} [fields]
 * @returns {Turn}
 */
function newTurn(fields = {}) {
  return { id: "t1", user: "Hello", created_at: 1, status: "running", blocks: [], ...fields };
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

test("joined batches follow the last one, or request the conversation", () => {
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

test("a message is shown before the worker has it, and is sent again until it is stored", () => {
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

test("a message from before the panel knew its conversation belongs to the one that it receives", () => {
  const conversation = new Conversation();
  conversation.add("t1", "Hello", 5);
  assert.equal(conversation.unconfirmed[0].conversation, "");
  conversation.receive({ type: "Conversation", conversation: { id: "c1", turns: [] }, seq: 0 });
  assert.equal(conversation.unconfirmed[0].conversation, "c1");
  assert.equal(conversation.turns.length, 1);
});

test("a new conversation is shown at once, and late messages of the old one do not count", () => {
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

test("a queued turn is neither running nor over", () => {
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

test("a message behind a running answer is queued from the start, and disappears when it is cancelled", () => {
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

// --- long conversations, branches, settings
// -----------------------------------------------------------------------------

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

test("loaded turns stay when the conversation is sent again, and disappear with their branch", () => {
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

test("a conversation is active while any of its turns is running or queued", () => {
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

test("artifacts of a call stay when a later message leaves them out", () => {
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
