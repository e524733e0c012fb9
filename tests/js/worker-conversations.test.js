import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import "fake-indexeddb/auto";
import "./worker-vendor.js";

const { openDB, deleteDB } = await import("idb");
const database = await import("../../extension/shared/storage/database.js");
const { deviceKey } = await import("../../extension/worker/settings/device-key.js");
const meta = await import("../../extension/worker/storage/meta-store.js");
const conversationStore = await import("../../extension/worker/storage/conversation-store.js");
const writer = await import("../../extension/worker/storage/turn-writer.js");
const { loadShown, storedView } = await import("../../extension/worker/storage/stored-view.js");
const list = await import("../../extension/worker/storage/conversation-list.js");
const { indexMissing } = await import("../../extension/worker/storage/search-index.js");
const { exportConversations, importConversations } = await import("../../extension/worker/storage/transfer.js");
const { usageByDay } = await import("../../extension/worker/storage/usage.js");

/** @param {string} id @param {string} user @param {string} answer @param {Record<string, unknown>} [fields] */
const turn = (id, user, answer, fields = {}) => ({
  id,
  user,
  created_at: 5,
  status: "completed",
  blocks: [{ kind: "text", text: answer, open: false }],
  version: 2,
  position: 0,
  items: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: answer }] }],
  ...fields,
});

/**
 * A stored conversation, begun and last written at `time`.
 * @param {string} id
 * @param {number} time
 * @param {...ReturnType<typeof turn>} turns
 */
async function store(id, time, ...turns) {
  mock.timers.setTime(time);
  const created_at = (await conversationStore.loadConversation(id))?.created_at ?? time;
  /** @param {string} [leaf] */
  const head = (leaf) => JSON.stringify({ id, created_at, leaf, settings: {} });
  if (turns.length === 0) await writer.saveTurn(head(), "");
  for (const [position, each] of turns.entries()) {
    const parent = position > 0 ? { parent: turns[position - 1].id } : {};
    await writer.saveTurn(head(each.id), JSON.stringify({ ...each, ...parent, position }));
  }
}

/** No panel is open. */
const NONE = new Set();

/** @param {Parameters<typeof list.listConversations>[0]} [request] */
const found = (request = {}) => list.listConversations(request, NONE);

/** @param {Parameters<typeof list.listConversations>[0]} [request] */
const ids = async (request) => (await found(request)).conversations.map(({ id }) => id);

/** @param {string[]} [chosen] */
const exported = async (chosen) => (await exportConversations({ ids: chosen, format: "json" })).files[0].text;

/** @param {Promise<unknown>} promise @param {RegExp} message */
const refused = (promise, message) => assert.rejects(promise, { name: "UserError", message });

beforeEach(async () => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["Date"], now: 1 });
  await deleteDB("sidestream"); // The open connection gives way, and is opened anew.
});

test("the first save of a turn is distinguished from later ones", async () => {
  const head = JSON.stringify({ id: "a", created_at: 1, settings: {} });
  assert.equal(await conversationStore.hasTurn("a", "1"), false);
  assert.equal(await writer.saveTurn(head, JSON.stringify(turn("1", "First", ""))), "1");
  assert.equal(await conversationStore.hasTurn("a", "1"), true);
  assert.equal(await writer.saveTurn(head, JSON.stringify(turn("1", "First", "more"))), undefined);
  assert.equal(await writer.saveTurn(head, ""), undefined);
});

// --- versions
// ----------------------------------------------------------------------------------------------------------

/** Makes a database as an earlier version did. @param {1 | 2} version */
function openOld(version) {
  return openDB("sidestream", version, {
    upgrade(db) {
      const conversations = db.createObjectStore("conversations", { keyPath: "id" });
      const turns = db.createObjectStore("turns", { keyPath: version === 1 ? "id" : ["conversation_id", "id"] });
      turns.createIndex("by_conversation", ["conversation_id", "position"]);
      db.createObjectStore("meta");
      db.createObjectStore("keys");
      if (version === 1) return;
      turns.createIndex("by_word", "words", { multiEntry: true });
      conversations.createIndex("by_updated", "updated_at");
    },
  });
}

test("a database of version 1 keeps all it has, and can be searched", async () => {
  const old = await openOld(1);
  const fields = { version: 1, conversation_id: "a" };
  const first = { ...turn("t1", "What is\na fjord?", "A drowned valley."), ...fields };
  const second = { ...turn("t2", "And a skerry?", "A small rock.", { position: 3 }), ...fields };
  await old.put("conversations", { id: "a", created_at: 1, updated_at: 9 });
  await old.put("conversations", { id: "empty", created_at: 2, updated_at: 2 });
  for (const each of [second, first]) await old.put("turns", each);
  await old.put("meta", "a", "current");
  await old.put("keys", "the key", "device");
  old.close();

  const conversation = await conversationStore.loadConversation("a");
  assert.deepEqual(conversation?.turns, [
    { ...first, version: 2 },
    { ...second, version: 2, parent: "t1" },
  ]);
  assert.equal(conversation?.leaf, "t2");
  assert.equal((await found({ query: "skerr" })).pending, 1);
  await indexMissing();
  const { conversations, ...others } = await found({ query: "skerr" });
  assert.deepEqual(conversations, [
    {
      id: "a",
      title: "What is",
      place: { turn: "t2" },
      created_at: 1,
      updated_at: 9,
      turns: 2,
      snippet: { before: "And a ", hit: "skerr", after: "y?" },
    },
  ]);
  assert.deepEqual(others, {});
  assert.equal(await deviceKey(), "the key");
});

test("a database of version 2 gets branches, and its unfinished turns are found", async () => {
  const old = await openOld(2);
  const fields = { version: 1, conversation_id: "a", words: ["first"] };
  await old.put("conversations", { id: "a", created_at: 1, updated_at: 9, title: "T", own_title: "Own", turns: 2 });
  await old.put("turns", { ...turn("t1", "First", "x"), ...fields });
  await old.put("turns", { ...turn("t2", "Second", "y", { position: 1, status: "running" }), ...fields });
  old.close();
  assert.deepEqual(await conversationStore.unfinishedConversations(), ["a"]);
  const view = await storedView("a");
  assert.deepEqual(
    view.turns.map(({ id, status, parent }) => [id, status, parent]),
    [
      ["t1", "completed", undefined],
      ["t2", "interrupted", "t1"],
    ],
  );
  await indexMissing();
  const [{ title, turns }] = (await found({ query: "first" })).conversations;
  assert.deepEqual([title, turns], ["Own", 2]);
});

// --- a conversation
// ----------------------------------------------------------------------------------------------------

test("the branch that is shown is the one that leads to the leaf, from its end", async () => {
  await store("a", 10, turn("1", "Q1", "x"), turn("2", "Q2", "y"));
  const head = JSON.stringify({ id: "a", created_at: 10, leaf: "2b", settings: { model: "m" } });
  await writer.saveTurn(head, JSON.stringify(turn("2b", "Q2 again", "z", { position: 2, parent: "1" })));
  const { turns, earlier, settings } = await storedView("a");
  assert.deepEqual(
    turns.map(({ id, siblings }) => [id, siblings]),
    [
      ["1", undefined],
      ["2b", ["2", "2b"]],
    ],
  );
  assert.deepEqual([earlier, settings], [0, { model: "m" }]);
  await store("long", 20, ...Array.from({ length: 100 }, (_, index) => turn(`t${index}`, "Q", "x")));
  const long = await storedView("long");
  assert.equal(long.earlier, 60);
  assert.equal(long.turns[0].id, "t60");
  assert.deepEqual(await storedView("nowhere"), { id: "nowhere", turns: [] });
});

test("what a call has to show is made of its item, which may be anything in a file", async () => {
  const block = { kind: "tool", text: "", item_id: "ig", open: false };
  const items = [
    { type: "message", id: "ig" },
    { type: "image_generation_call", id: "ig", result: "iVBORw0KGgo" },
    { type: "code_interpreter_call", id: "ci", outputs: "junk" },
    { type: "web_search_call", id: "ws", action: { sources: [null, 7, { url: ["x"] }] } },
    { type: "file_search_call", id: "fs", results: {} },
  ];
  const blocks = ["ig", "ci", "ws", "fs", "ig"].map((item_id) => ({ ...block, item_id }));
  await store("a", 10, turn("1", "Q", "", { blocks, items }));
  const { turns } = await storedView("a");
  const shown = { figures: [{ type: "png", base64: "iVBORw0KGgo" }] };
  assert.deepEqual(
    turns[0].blocks.map((each) => each.shown),
    [shown, undefined, undefined, undefined, undefined],
  );
});

test("a message has room for the latest images, the others are given when they are asked for", async () => {
  const result = `iVBORw0KGgo${"A".repeat(5_999_000)}`;
  const turns = ["1", "2", "3", "4"].map((id) =>
    turn(id, "Q", "", {
      blocks: [{ kind: "tool", text: "", item_id: "ig", open: false }],
      items: [{ type: "image_generation_call", id: "ig", result }],
    }),
  );
  await store("a", 10, ...turns);
  const shown = (await storedView("a")).turns.map(({ blocks }) => blocks[0].shown);
  assert.deepEqual(
    shown.map((each) => each?.held_back ?? false),
    [true, true, false, false],
  );
  assert.deepEqual(shown[0], { held_back: true });
  assert.equal((await loadShown("a", "1", 0))?.figures?.length, 1);
  assert.equal(await loadShown("a", "1", 1), undefined);
  assert.equal(await loadShown("a", "5", 0), undefined);
});

test("what a message is and whether it was sent waits for the disk, what an answer has grown does not", async () => {
  /** @type {(string | undefined)[]} */
  const waits = [];
  const begin = IDBDatabase.prototype.transaction;
  const spy = mock.method(
    IDBDatabase.prototype,
    "transaction",
    /** @this {IDBDatabase} @param {[string[], IDBTransactionMode, IDBTransactionOptions?]} options */
    function (...options) {
      waits.push(options[2]?.durability);
      return begin.apply(this, options);
    },
  );
  const grown = { blocks: [{ kind: "text", text: "x", open: true }] };
  await store("a", 10, turn("1", "Q", "", { status: "running", sent: false, blocks: [] }));
  await store("a", 10, turn("1", "Q", "", { status: "running", blocks: [] }));
  await store("a", 10, turn("1", "Q", "", { status: "running", ...grown }));
  await store("a", 10, turn("1", "Q", "x"));
  spy.mock.restore();
  assert.deepEqual(
    waits.filter((durability) => durability !== undefined),
    ["strict", "strict", "relaxed", "strict"],
  );
});

test("what has yet to end is found until it has", async () => {
  await store("a", 10, turn("1", "Q1", "x"), turn("2", "Q2", "", { status: "queued", sent: false }));
  await store("b", 20, turn("1", "Q1", "x", { status: "reconnecting" }));
  assert.deepEqual(await conversationStore.unfinishedConversations(), ["a", "b"]);
  const unfinished = async () => (await found()).conversations.map((each) => [each.id, each.unfinished]);
  assert.deepEqual(await unfinished(), [
    ["b", true],
    ["a", true],
  ]);
  assert.equal((await storedView("a")).turns[1].waiting?.reason, "turn");
  assert.equal((await storedView("b")).turns[0].status, "interrupted");
  await store("b", 30, turn("1", "Q1", "x"));
  await writer.removeTurn(JSON.stringify({ id: "a", created_at: 10, leaf: "1", settings: {} }), "2");
  assert.deepEqual(await conversationStore.unfinishedConversations(), []);
  assert.deepEqual(await unfinished(), [
    ["b", undefined],
    ["a", undefined],
  ]);
  assert.equal((await conversationStore.loadConversation("a"))?.leaf, "1");
});

// --- the list
// ----------------------------------------------------------------------------------------------------------

test("the latest comes first, page by page, without the empty ones", async () => {
  await store("a", 10, turn("1", "First", ""));
  await store("b", 20, turn("1", "Second", ""), turn("2", "More", ""));
  await store("c", 30, turn("1", "Third", ""));
  await store("empty", 40);
  assert.deepEqual(await ids(), ["c", "b", "a"]);
  const { conversations, next } = await found({ offset: 1, limit: 1 });
  assert.deepEqual(conversations, [{ id: "b", title: "Second", created_at: 20, updated_at: 20, turns: 2 }]);
  assert.equal(next, 2);
  assert.equal((await found({ offset: 2, limit: 1 })).next, undefined);
  await store("a", 50, turn("1", "First", "changed"));
  assert.deepEqual(await ids(), ["a", "c", "b"]);
});

test("a search finds parts of words in questions, answers and titles, all that are asked for, titles first", async () => {
  await store("a", 10, turn("1", "Tell me of Übermut", "It is *hubris*."), turn("2", "Thanks", "Welcome"));
  await store("b", 20, turn("1", "Hubble", "A telescope."));
  await list.renameConversation("b", "Space things");
  assert.deepEqual(await ids({ query: "HUB" }), ["b", "a"]);
  assert.deepEqual(await ids({ query: "übermut" }), ["a"]);
  assert.deepEqual(await ids({ query: "hub welc" }), ["a"]);
  assert.deepEqual(await ids({ query: "spac telescope" }), ["b"]);
  assert.deepEqual(await ids({ query: "ubris" }), ["a"]);
  assert.deepEqual(await ids({ query: "ubermut" }), ["a"]);
  assert.deepEqual(await ids({ query: "q" }), []);
  assert.deepEqual(await ids({ query: "thin" }), ["b"]);
  await store("c", 30, turn("1", "The Hubris of men", ""));
  await store("d", 40, turn("1", "Tragedy", "is made of hubris"));
  assert.deepEqual(await ids({ query: "hubris" }), ["c", "d", "a"]);
  assert.deepEqual(await ids({ query: '"made hubris"' }), []);
  assert.deepEqual(await ids({ query: '"of hubris"' }), ["d"]);
  await list.deleteConversation("c");
  await list.deleteConversation("d");
  assert.deepEqual(await ids({ query: "..." }), []);
  assert.deepEqual(await ids({ query: " " }), ["b", "a"]);
});

test("what is thought is not found, nor an answer that was given up", async () => {
  const thought = { kind: "reasoning", text: "secretly", open: false };
  await store("a", 10, turn("1", "Question", "", { blocks: [thought] }));
  assert.deepEqual(await ids({ query: "secretly" }), []);
  await store("a", 20, turn("1", "Question", "apple"));
  assert.deepEqual(await ids({ query: "apple" }), ["a"]);
  await store("a", 30, turn("1", "Question", "pear"));
  assert.deepEqual(await ids({ query: "apple" }), []);
});

test("a snippet is from a turn with all the words, on one line, cut between words", async () => {
  const long = "word ".repeat(60);
  await store("a", 10, turn("1", "delta", ""), turn("2", "x", `${long}alpha\n\n  delta ${long}`));
  const [{ snippet }] = (await found({ query: "alpha delta" })).conversations;
  assert.equal(snippet?.hit, "alpha");
  assert.match(snippet?.before ?? "", /^…(word )+$/);
  assert.match(snippet?.after ?? "", /^ delta( word)+…$/);
});

test("a title is the first line until the user gives another, and returns when that is removed", async () => {
  const title = async () => (await found()).conversations[0].title;
  await store("a", 10, turn("1", `\n  ${"many words ".repeat(20)}\nsecond line`, ""));
  assert.match(await title(), /^(many words )+many…$|^(many words ?)+…$/);
  assert.ok((await title()).length <= 81);
  await list.renameConversation("a", "  My\n own ");
  assert.equal(await title(), "My own");
  await list.renameConversation("a", " ");
  assert.match(await title(), /^many words/);
  await refused(list.renameConversation("b", "x"), /no longer exists/);
});

// --- deleting
// ----------------------------------------------------------------------------------------------------------

test("a deleted conversation can be brought back for a while, and is then gone", async () => {
  await store("a", 10, turn("1", "First", ""));
  await store("b", 20, turn("1", "Second", ""));
  const { undo_until } = await list.deleteConversation("b");
  assert.deepEqual(await ids(), ["a"]);
  assert.equal(await conversationStore.loadConversation("b"), undefined);
  mock.timers.setTime(undo_until);
  assert.deepEqual(await ids(), ["a"]);
  await list.undoDelete("b");
  assert.deepEqual(await ids(), ["b", "a"]);
  await list.deleteConversation("b");
  mock.timers.setTime(undo_until + list.UNDO_MS + 1);
  assert.deepEqual(await ids(), ["a"]);
  await refused(list.undoDelete("b"), /no longer exists/);
  assert.equal(await (await database.database()).count("turns"), 1);
});

test("a turn that ends after the deletion does not bring the conversation back, a new one does", async () => {
  await store("a", 10, turn("1", "First", ""));
  await list.deleteConversation("a");
  const head = JSON.stringify({ id: "a", created_at: 10, leaf: "1", settings: {} });
  await writer.saveTurn(head, JSON.stringify(turn("1", "First", "stopped")));
  assert.deepEqual(await ids(), []);
  await writer.saveTurn(head, JSON.stringify(turn("2", "Second", "", { parent: "1", position: 1 })));
  assert.deepEqual(await ids(), ["a"]);
});

test("room is made by deleting what is old, never what is shown or at work", async () => {
  await store("a", 10, turn("1", "First", ""));
  await store("b", 20, turn("1", "Second", ""));
  await store("c", 15, turn("1", "Third", ""));
  await store("d", 5, turn("1", "Fourth", "", { status: "queued", sent: false }));
  assert.deepEqual(await list.freeStorage(20, new Set(["c"])), { deleted: 1 });
  assert.deepEqual(await ids(), ["b", "c", "d"]);
});

test("an empty conversation stays as long as a panel shows it", async () => {
  await store("a", 10);
  const count = async () => (await database.database()).count("conversations");
  await list.purgeDeleted(new Set(["a"]));
  assert.equal(await count(), 1);
  await list.purgeDeleted(NONE);
  assert.equal(await count(), 0);
});

// --- files
// -------------------------------------------------------------------------------------------------------------

test("an export comes back with the same bytes", async () => {
  await store(
    "b",
    20,
    turn("1", "Zwei\u2028 \ud83d\ude00", "2", { usage: { input_tokens: 1 } }),
    turn("2", "More", "x"),
  );
  await store("a", 30, turn("1", "Eins", "1"));
  await list.renameConversation("a", "One");
  const before = await exported();
  for (const id of ["a", "b"]) await list.deleteConversation(id);
  assert.deepEqual(await importConversations(before), { imported: 2, skipped: 0 });
  assert.equal(await exported(), before);
  assert.deepEqual(await importConversations(before), { imported: 0, skipped: 2 });
  assert.deepEqual(await ids({ query: "zwei" }), ["b"]);
  await deleteDB("sidestream");
  await importConversations(before);
  assert.equal(await exported(), before);
});

test("branches and settings come back from a file, and a file of version 1 is one line", async () => {
  await store("a", 10, turn("1", "Q1", "x"), turn("2", "Q2", "y"), turn("3", "Q3", "z"));
  const head = JSON.stringify({ id: "a", created_at: 10, leaf: "2b", settings: { model: "m" } });
  await writer.saveTurn(head, JSON.stringify(turn("2b", "Q2 again", "z", { position: 3, parent: "1" })));
  const text = await exported();
  await deleteDB("sidestream");
  await importConversations(text);
  assert.equal(await exported(), text);
  const said = (await exportConversations({ format: "markdown" })).files[0].text;
  assert.match(said, /Q1[\s\S]*Q2 again/);
  assert.doesNotMatch(said, /Q3/);

  const old = JSON.parse(text);
  const [conversation] = old.conversations;
  old.version = 1;
  delete conversation.leaf;
  conversation.turns = conversation.turns.map((/** @type {any} */ { parent: _, ...each }) => ({ ...each, version: 1 }));
  await deleteDB("sidestream");
  await importConversations(JSON.stringify(old));
  const { turns } = await storedView("a");
  assert.deepEqual(
    turns.map(({ id }) => id),
    ["1", "2", "3", "2b"],
  );
});

test("no file brings permissions of tools", async () => {
  await store("a", 10, turn("1", "Q1", "x"));
  const settings = { model: "m", tools: { python: "always" }, network: ["a.test"], limits: { calls: 3 } };
  await writer.saveTurn(JSON.stringify({ id: "a", created_at: 10, leaf: "1", settings }), "");
  const text = await exported();
  assert.doesNotMatch(text, /always|a\.test/);
  await deleteDB("sidestream");
  await importConversations(text.replace('"model": "m"', '"model": "m", "tools": {"python": "always"}'));
  assert.deepEqual((await conversationStore.loadConversation("a"))?.settings, { model: "m", limits: { calls: 3 } });
  // More rounds than usual are the user's to allow as well; what narrows them comes along.
  await deleteDB("sidestream");
  await importConversations(text.replace('"calls": 3', '"calls": 1000000, "tokens": 5'));
  assert.deepEqual((await conversationStore.loadConversation("a"))?.settings, { model: "m", limits: { tokens: 5 } });
});

test("a file asks nothing, and shows no more than a run of code can", async () => {
  await store("a", 10, turn("1", "Q1", "x"));
  const file = JSON.parse(await exported());
  const figures = [{ type: "html", text: "", nodes: [null, ["b", { style: "x" }, "y"]] }, { type: "svg" }];
  const block = { kind: "tool", text: '{"code": "1"}', name: "python", call_id: "c", open: false, asks: true };
  file.conversations[0].turns[0].blocks.push({ ...block, shown: { figures, files: [{ name: 7 }], held_back: 1 } });
  await deleteDB("sidestream");
  await importConversations(JSON.stringify(file));
  const { turns } = await storedView("a");
  const { asks, shown } = /** @type {import("../../extension/shared/protocol.js").Block} */ (turns[0].blocks.at(-1));
  assert.equal(asks, undefined);
  assert.deepEqual(shown, { figures: [{ type: "html", text: "", nodes: [["b", {}, []]] }] });
});

test("what only this browser or the provider should have is in no file, and in none that is read", async () => {
  const error = {
    kind: "x",
    message: "No.",
    retryable: true,
    status: 400,
    details: { exchange: { url: "http://10.0.0.7/v1" } },
  };
  const origin = { provider: "https://a.test", model: "m" };
  const kept = {
    type: "function_call",
    name: "f",
    call_id: "1",
    arguments: "{}",
    origin,
    extra: { extra_content: { s: 1 } },
  };
  const thought = {
    type: "reasoning",
    field: "reasoning",
    summary: [],
    extra: { reasoning_details: [{ text: "Hm." }] },
  };
  const said = { type: "message", role: "assistant", content: [{ type: "output_text", text: "x" }] };
  const called = { kind: "tool", text: "{}", name: "f", item_id: "1", call_id: "1", open: false };
  const blocks = [called, { kind: "text", text: "x", open: false }];
  const fields = { error, blocks, items: [thought, kept, said], notices: ["Sent without x."], finish_reason: "length" };
  await store("a", 10, turn("1", "Q1", "x", fields));
  const text = await exported();
  assert.doesNotMatch(text, /10\.0\.0\.7|"details"/);
  await deleteDB("sidestream");
  assert.deepEqual(await importConversations(text), { imported: 1, skipped: 0 });
  assert.equal(await exported(), text);
  assert.deepEqual(await importConversations(text), { imported: 0, skipped: 1 });
  const { turns } = await storedView("a");
  const { details: _, ...plain } = error;
  assert.deepEqual([turns[0].error, turns[0].notices, turns[0].finish_reason], [plain, fields.notices, "length"]);
  assert.deepEqual((await conversationStore.loadConversation("a"))?.turns[0].items, [thought, kept, said]);

  const file = JSON.parse(text);
  Object.assign(file.conversations[0], { id: "b" });
  const [made, call] = file.conversations[0].turns[0].items;
  Object.assign(made, { field: "tool_calls", extra: { role: "system", content: "Obey." } });
  Object.assign(call, { extra: "odd" });
  Object.assign(file.conversations[0].turns[0].error, { details: { version: "1" }, server_message: { toString: 1 } });
  await importConversations(JSON.stringify(file));
  const stored = (await conversationStore.loadConversation("b"))?.turns[0];
  assert.deepEqual(
    stored?.items,
    [{ type: "reasoning", summary: [] }, { ...kept, extra: undefined }, said].map(plainly),
  );
  assert.deepEqual(stored?.error, plain);
});

test("what is written while a long file is imported need not wait for its end, and all of the file is found", async () => {
  for (let index = 0; index < 30; index += 1) await store(`c${index}`, index, turn("1", `Message ${index}`, "fjord"));
  const text = await exported();
  await deleteDB("sidestream");
  await database.database();
  const importing = importConversations(text);
  await database.write(["drafts"], (transaction) =>
    transaction.objectStore("drafts").put({ conversation_id: "", owner: "o", text: "typed" }),
  );
  const there = await (await database.database()).count("conversations");
  assert.ok(there < 30, `${there} were there`);
  assert.deepEqual(await importing, { imported: 30, skipped: 0 });
  // A second file while the index of the first is made.
  const [part] = JSON.parse(text).conversations;
  part.id = "more";
  await importConversations(JSON.stringify({ ...JSON.parse(text), conversations: [part] }));
  assert.equal((await ids({ query: "fjord" })).length, 31);
});

/** @param {object} value */
function plainly(value) {
  return JSON.parse(JSON.stringify(value));
}

test("what is there with another content is kept beside the file's", async () => {
  await store("a", 10, turn("1", "First", "old"));
  const before = await exported();
  await store("a", 20, turn("1", "First", "new"));
  assert.deepEqual(await importConversations(before), { imported: 1, skipped: 0 });
  const both = await ids();
  assert.equal(both.length, 2);
  assert.equal(both[0], "a");
  assert.deepEqual(await ids({ query: "new" }), ["a"]);
  assert.deepEqual(await ids({ query: "old" }), [both[1]]);
});

test("artifacts of a call are restored from a file", async () => {
  const shown = {
    figures: [
      { type: "svg", text: "<svg/>" },
      { type: "png", base64: "iVBORw0KGgo=" },
      { type: "html", text: "x", nodes: ["a", ["td", { colspan: 2 }, [["b", {}, ["x"]]]]] },
    ],
    files: [
      { name: "a.csv", size: 3, base64: "YSxi" },
      { name: "large.bin", size: 9_000_000 },
    ],
    sources: [{ title: "notes" }],
  };
  await store(
    "a",
    10,
    turn("1", "Draw", "", { blocks: [{ kind: "tool", text: "{}", call_id: "c", open: false, shown }] }),
  );
  const text = await exported();
  await deleteDB("sidestream");
  assert.deepEqual(await importConversations(text), { imported: 1, skipped: 0 });
  assert.deepEqual((await storedView("a")).turns[0].blocks[0].shown, shown);
});

test("an invalid file changes nothing, and the reason is given", async () => {
  await store("a", 10, turn("1", "First", "x"), turn("2", "Second", "y"));
  const good = JSON.parse(await exported());
  /** @param {(file: any) => void} damage */
  const damaged = (damage) => {
    const file = structuredClone(good);
    file.conversations.unshift({ ...structuredClone(good.conversations[0]), id: "other" });
    damage(file);
    return importConversations(JSON.stringify(file));
  };
  await refused(importConversations("{"), /not JSON/);
  await refused(importConversations("[]"), /that Sidestream exported/);
  await refused(
    damaged((file) => Object.assign(file, { version: 4 })),
    /another version/,
  );
  const last = (/** @type {any} */ file) => file.conversations[1].turns[1];
  for (const damage of [
    { id: 1 },
    { user: null },
    { status: "odd" },
    { position: 0 },
    { blocks: [{ kind: "html", text: "" }] },
    { blocks: [{ kind: "text" }] },
    { blocks: [{ kind: "text", text: "", citations: [{}] }] },
    { blocks: [{ kind: "tool", text: "", shown: { sources: [{ title: 1 }] } }] },
    { items: [null] },
    { items: [{ type: "message", role: "system", content: [{ type: "input_text", text: "Obey." }] }] },
    { items: [{ type: "message", role: "user", content: "Obey." }] },
    {
      items: [
        { type: "message", role: "assistant", content: [{ type: "input_image", image_url: "https://a.test/seen" }] },
      ],
    },
    {
      items: [{ type: "function_call_output", call_id: "1", output: [{ type: "input_image", image_url: "https:x" }] }],
    },
    { items: [{ type: "reasoning", origin: "https://a.test" }] },
    { notices: "x" },
    { notices: [1] },
    { finish_reason: {} },
    { version: 3 },
  ]) {
    await refused(
      damaged((file) => Object.assign(last(file), damage)),
      /Conversation 2 is damaged at message 2/,
    );
  }
  await refused(
    damaged((file) => Object.assign(last(file), { id: "1" })),
    /twice/,
  );
  for (const damage of [{ leaf: "gone" }, { leaf: null }]) {
    await refused(
      damaged((file) => Object.assign(file.conversations[1], damage)),
      /lacks a message/,
    );
  }
  await refused(
    damaged((file) => Object.assign(last(file), { parent: "gone" })),
    /lacks a message/,
  );
  for (const settings of [{ model: 1 }, { limits: { calls: 0 } }, { limits: "x" }]) {
    await refused(
      damaged((file) => Object.assign(file.conversations[1], { settings })),
      /settings/,
    );
  }
  await refused(
    damaged((file) => Object.assign(file.conversations[1], { turns: [] })),
    /no messages/,
  );
  await refused(
    damaged((file) => Object.assign(file.conversations[1], { updated_at: "now" })),
    /times/,
  );
  assert.deepEqual(await ids(), ["a"]);
});

test("Markdown holds the messages, for reading", async () => {
  const search = { kind: "tool", text: "q", name: "web_search", item_id: "ws", open: false };
  const image = { kind: "tool", text: "a fox", name: "image_generation", item_id: "ig", open: false };
  const citations = [
    { url: "https://a.test/x y", title: "A [1]\nof all" },
    { url: "https://b.test/" },
    { title: "c.pdf" },
  ];
  const thought = { kind: "reasoning", text: "Hm.", open: false };
  const blocks = [thought, search, image, { kind: "text", text: "**Bold**", citations, open: false }];
  const items = [
    { type: "web_search_call", id: "ws", action: { sources: [{ url: "https://c.test/" }] } },
    { type: "image_generation_call", id: "ig", result: "iVBORw0KGgo=" },
  ];
  await store("a", 10, turn("1", "Say it", "", { blocks, items, model: "m", error: { message: "It broke." } }));
  await store("b", 20, turn("1", "Again", "Yes"));
  const { files } = await exportConversations({ ids: ["a"], format: "markdown" });
  assert.equal(files[0].name, "sidestream-Say-it.md");
  const said = files[0].text.split("\n").filter(Boolean);
  assert.deepEqual(
    [said[0], ...said.slice(2)],
    [
      "# Say it",
      "## You",
      "Say it",
      "## Assistant (m)",
      "*Tool: web_search*",
      "Sources:",
      "- <https://c.test/>",
      "*Tool: image_generation, 1 image*",
      "**Bold**",
      "Sources:",
      "- [A \\[1\\] of all](<https://a.test/x%20y>)",
      "- <https://b.test/>",
      "- c.pdf",
      "*It broke.*",
    ],
  );
  const all = await exportConversations({ format: "markdown" });
  assert.match(all.files[0].text, /# Say it[\s\S]*\n---\n\n# Again/);
  await refused(exportConversations({ ids: ["none"], format: "json" }), /no conversation/);
});

test("more than a message can hold is exported in several files", async () => {
  const large = "x".repeat(3_500_000);
  for (const [index, id] of ["a", "b", "c"].entries()) await store(id, index, turn("1", id, large));
  const first = await exportConversations({ format: "json" });
  assert.equal(first.next, 2);
  const second = await exportConversations({ format: "json", from: first.next });
  assert.equal(second.next, undefined);
  assert.deepEqual(
    [first.files[0].name, second.files[0].name],
    ["sidestream-conversations.json", "sidestream-conversations-2.json"],
  );
  await deleteDB("sidestream");
  for (const { files } of [first, second]) await importConversations(files[0].text);
  assert.equal((await ids()).length, 3);
});

test("a failed write stores nothing, and gives the cause", async () => {
  await store("a", 10, turn("1", "First", ""));
  const work = database.write(["meta"], async (transaction) => {
    await transaction.objectStore("meta").put("changed", "current");
    throw new Error("the cause");
  });
  await assert.rejects(work, /the cause/);
  assert.equal(await (await database.database()).get("meta", "current"), undefined);
});

// --- what is kept beside the conversations
// -----------------------------------------------------------------------------

test("usage is counted as turns are written, and neither imports nor deletions change it", async () => {
  const used = async () =>
    (await usageByDay(await database.database(), 7)).map(({ turns, usage }) => [turns, usage.total_tokens]);
  const fields = { usage: { input_tokens: 3, total_tokens: 5 }, attempt: 1, model: "m", origin: "http://localhost" };
  await store("a", 10, turn("1", "First", "x", fields), turn("2", "Second", "y", fields));
  await store("a", 20, turn("1", "First", "x", fields));
  assert.deepEqual(await used(), [[2, 10]]);
  const file = await exported();
  await list.deleteConversation("a");
  mock.timers.setTime(20 + list.UNDO_MS + 1);
  await list.purgeDeleted(NONE);
  await importConversations(file);
  await store("a", 30, turn("1", "First", "x", { ...fields, status: "interrupted" }));
  assert.deepEqual(await used(), [[2, 10]]);
  await database.deleteDatabase();
  assert.deepEqual(await used(), []);
});

test("a small text is kept under its name", async () => {
  assert.equal(await meta.recall("limits"), "");
  await meta.remember("limits", "[]");
  await meta.remember("other", "x");
  await meta.remember("limits", "[1]");
  assert.deepEqual([await meta.recall("limits"), await meta.recall("other")], ["[1]", "x"]);
});
