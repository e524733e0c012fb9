/**
 * Stored records that hold what no record should: the list, the conversation and the export stay whole, and what cannot
 * be read is said.
 */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import "fake-indexeddb/auto";
import "./worker-vendor.js";

const { deleteDB } = await import("idb");
const database = await import("../../extension/shared/storage/database.js");
const conversationStore = await import("../../extension/worker/storage/conversation-store.js");
const list = await import("../../extension/worker/storage/conversation-list.js");
const { indexMissing } = await import("../../extension/worker/storage/search-index.js");
const { storedView } = await import("../../extension/worker/storage/stored-view.js");
const { exportConversations, importConversations } = await import("../../extension/worker/storage/transfer.js");
const { usageByDay } = await import("../../extension/worker/storage/usage.js");
const { PARTLY_READ } = await import("../../extension/worker/storage/records.js");

/** @param {string} id @param {Record<string, unknown>} [fields] */
const turn = (id, fields = {}) => ({
  id,
  user: `Question ${id}`,
  created_at: 5,
  status: "completed",
  blocks: [{ kind: "text", text: `Answer ${id}`, open: false }],
  version: 2,
  position: 0,
  items: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: `Answer ${id}` }] }],
  ...fields,
});

const at = Date.UTC(2026, 0, 1);

/**
 * Puts records where they are stored, whatever they hold.
 * @param {string} id
 * @param {Record<string, unknown>} head
 * @param {Record<string, unknown>[]} turns
 */
async function put(id, head, turns) {
  await database.write(["conversations", "turns"], async (transaction) => {
    const last = turns.at(-1)?.id;
    const whole = { id, created_at: at, updated_at: at, title: "T", turns: turns.length, leaf: last, ...head };
    await transaction.objectStore("conversations").put(whole);
    for (const each of turns) await transaction.objectStore("turns").put({ ...each, conversation_id: id });
  });
}

const ids = async () => (await list.listConversations({}, new Set())).conversations.map(({ id }) => id);

/** @param {number} depth */
const nested = (depth) => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

beforeEach(async () => {
  await indexMissing();
  await deleteDB("sidestream");
});

// OpenHands/OpenHands#17497: one corrupted conversation broke the whole list of conversations.
// sagemathinc/cocalc#2069: a time that is none kept a list of rows from being drawn.
const HEADS = [
  ...[9e15, Number.NaN, -1, "yesterday", null, {}, Number.POSITIVE_INFINITY, 1e308, 0.5].map((updated_at) => ({
    updated_at,
  })),
  ...[9e15, Number.NaN, "x", undefined].map((created_at) => ({ created_at, updated_at: created_at })),
  ...[5, {}, null, ["x"]].map((title) => ({ title, own_title: title })),
  ...[Number.NaN, -1, "many", 1e300, undefined].map((turns) => ({ turns })),
  ...[{}, [], 5].map((leaf) => ({ leaf })),
  ...["x", { temperature: "hot", tools: { python: "always!" } }, nested(200)].map((settings) => ({ settings })),
  { deleted_at: "never" },
];

for (const [index, head] of HEADS.entries()) {
  test(`a conversation with ${Object.keys(head)} of kind ${index} hides no other, and opens`, async () => {
    await put("good", {}, [turn("1")]);
    await put("bad", head, [turn("1")]);
    await put("__proto__", {}, [turn("constructor")]);
    assert.deepEqual((await ids()).sort(), ["__proto__", "bad", "good"]);
    for (const summary of (await list.listConversations({}, new Set())).conversations) {
      assert.equal(typeof summary.title, "string");
      assert.ok(new Date(summary.updated_at).toISOString());
    }
    await indexMissing();
    assert.equal((await list.listConversations({ query: "question" }, new Set())).conversations.length, 3);
    const { turns } = await storedView("bad");
    assert.equal(turns[0].user, "Question 1");
    assert.deepEqual((await storedView("__proto__")).turns[0].id, "constructor");
    const { files } = await exportConversations({ format: "markdown" });
    assert.equal(files[0].text.split("Answer 1").length, 3);
  });
}

const TURNS = [
  ...[5, null, {}, ["x"]].map((user) => ({ user })),
  ...[Number.NaN, -5, "first", 1e308, undefined, 2 ** 53].map((position) => ({ position })),
  ...[9e15, "now", null].map((created_at) => ({ created_at })),
  ...["odd", null, 3].map((status) => ({ status })),
  ...[null, "x", [{ kind: "html", text: "" }], [null], [{ kind: "text", text: 5 }]].map((blocks) => ({ blocks })),
  ...["x", [null], [{}], [{ type: "message", role: "assistant", content: 5 }]].map((items) => ({ items })),
  { items: [{ type: "message", role: "assistant", content: [], extra: nested(200) }] },
  { blocks: [{ kind: "tool", text: "", shown: { figures: nested(200) } }] },
  ...[{ input_tokens: "many" }, { total_tokens: Number.NaN }, 5].map((usage) => ({ usage })),
  ...["x", { message: 5 }].map((error) => ({ error })),
  ...[[{}], "x", Array.from({ length: 200 }, () => ({}))].map((attachments) => ({ attachments })),
  ...["gone", {}, "2"].map((parent) => ({ parent })),
  { notices: [1] },
  { waiting: { reason: "moon" } },
];

for (const [index, damage] of TURNS.entries()) {
  // RongleCat/grok-app#1242: one message whose text was no text kept its chat from opening, after each restart.
  test(`a turn with ${Object.keys(damage)} of kind ${index} loses no other turn`, async () => {
    await put("c", {}, [
      turn("1"),
      turn("2", { position: 1, parent: "1", ...damage }),
      turn("3", { position: 2, parent: "2" }),
    ]);
    const { turns } = await storedView("c");
    assert.equal(turns.at(-1)?.user, "Question 3");
    const loaded = await conversationStore.loadConversation("c");
    assert.deepEqual(loaded?.turns.map(({ id }) => id).sort(), ["1", "2", "3"]);
    assert.ok(JSON.stringify(loaded));
    const isMended = "parent" in damage;
    const [second] = loaded?.turns.filter(({ id }) => id === "2") ?? [];
    if (!isMended) assert.deepEqual(second.notices, [PARTLY_READ]);
    await indexMissing();
    assert.equal((await list.listConversations({ query: "question" }, new Set())).conversations.length, 1);
    // What is exported of it can be imported again.
    const { files } = await exportConversations({ format: "json" });
    await indexMissing();
    await deleteDB("sidestream");
    assert.deepEqual(await importConversations(files[0].text), { imported: 1, skipped: 0 });
  });
}

test("turns of a later version are left alone, and what followed them is shown", async () => {
  await put("c", {}, [
    turn("1"),
    turn("2", { position: 1, parent: "1", version: 99 }),
    turn("3", { parent: "2", position: 2 }),
  ]);
  const { turns } = await storedView("c");
  assert.deepEqual(
    turns.map(({ id }) => id),
    ["1", "3"],
  );
  assert.equal((await (await database.database()).get("turns", ["c", "2"])).version, 99);
});

test("turns in a circle are all there", async () => {
  await put("c", {}, [turn("1", { parent: "2" }), turn("2", { position: 1, parent: "1" })]);
  assert.equal((await conversationStore.loadConversation("c"))?.turns.length, 2);
  assert.equal((await storedView("c")).turns[0].id, "2");
  await put("d", {}, [turn("1", { parent: "1" })]);
  assert.equal((await storedView("d")).turns.length, 1);
});

test("a conversation of which nothing can be read is named by the export of the others", async () => {
  await put("good", {}, [turn("1")]);
  await put("bad", {}, [turn("1", { version: 99 })]);
  const { files, unreadable } = await exportConversations({ format: "json" });
  assert.equal(JSON.parse(files[0].text).conversations.length, 1);
  assert.equal(unreadable, 1);
});

test("a damaged day does not hide the other days", async () => {
  const today = new Date().toISOString().slice(0, 10);
  const day = (/** @type {Record<string, unknown>} */ fields) => ({
    day: today,
    origin: "o",
    model: "m",
    turns: 1,
    usage: {},
    ...fields,
  });
  await database.write(["usage"], async (transaction) => {
    const store = transaction.objectStore("usage");
    await store.put(day({}));
    await store.put(day({ day: "9999-99-99" }));
    await store.put(day({ model: "n", usage: { total_tokens: "many" } }));
    await store.put(day({ model: "o", turns: Number.NaN }));
  });
  assert.deepEqual(
    (await usageByDay(await database.database(), 7)).map(({ model }) => model),
    ["m"],
  );
});
