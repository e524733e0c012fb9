import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import "fake-indexeddb/auto";
import "./worker-vendor.js";

const { openDB, deleteDB } = await import("idb");
const database = await import("../../extension/shared/storage/database.js");
const conversationStore = await import("../../extension/worker/storage/conversation-store.js");
const writer = await import("../../extension/worker/storage/turn-writer.js");
const { storedView } = await import("../../extension/worker/storage/stored-view.js");
const list = await import("../../extension/worker/storage/conversation-list.js");
const attachments = await import("../../extension/shared/storage/attachments.js");
const drafts = await import("../../extension/shared/storage/drafts.js");
const { exportConversations, importConversations } = await import("../../extension/worker/storage/transfer.js");

/** @import {Attachment} from "../../extension/shared/protocol.js" */

const DAY = 24 * 60 * 60 * 1000;
const PIXEL = "data:image/png;base64,iVBORw0KGgo=";

/** @param {string} id @param {Partial<Attachment>} [fields] @returns {Attachment} */
const page = (id, fields = {}) => ({ id, kind: "page", title: `Page ${id}`, tokens: 3, size: 9, ...fields });

/** @param {string} conversation @param {string} id @param {...Attachment} attached */
async function send(conversation, id, ...attached) {
  const head = JSON.stringify({ id: conversation, created_at: 1, leaf: id, settings: {} });
  await writer.saveTurn(head, JSON.stringify({ ...record, id, ...(attached[0] ? { attachments: attached } : {}) }));
}

const record = { user: "", created_at: 1, status: "queued", blocks: [], version: 2, position: 0, items: [] };

/** Which contents there are, as "conversation/id". */
async function stored() {
  const keys = await (await database.database()).getAllKeys("attachments");
  return /** @type {string[][]} */ (/** @type {unknown} */ (keys)).map((key) => key.join("/"));
}

beforeEach(async () => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["Date"], now: 1 });
  await deleteDB("sidestream");
});

test("an attachment belongs to the conversation with its turn, and to the draft again when that is cancelled", async () => {
  await attachments.keepAttachment(page("p"), "A valley.");
  assert.equal(await attachments.loadAttachment("c", "p"), "A valley.");
  await send("c", "1", page("p"));
  assert.deepEqual(await stored(), ["c/p"]);
  // The same one in another version of the message.
  await send("c", "2", page("p"));
  await writer.removeTurn(JSON.stringify({ id: "c", created_at: 1 }), "2");
  assert.deepEqual(await stored(), ["c/p"]);
  await writer.removeTurn(JSON.stringify({ id: "c", created_at: 1 }), "1");
  assert.deepEqual(await stored(), ["/p"]);
  assert.equal(await attachments.loadAttachment("", "p"), "A valley.");
});

test("two panels with the same draft can both send it", async () => {
  await attachments.keepAttachment(page("p"), "A valley.");
  await send("c", "1", page("p"));
  assert.equal(await attachments.loadAttachment("", "p"), "A valley.", "the other panel still shows it");
  await send("d", "2", page("p"));
  assert.deepEqual(await stored(), ["c/p", "d/p"]);
});

test("what is lost does not keep a message from being stored", async () => {
  await send("c", "1", page("p"));
  assert.equal(await attachments.loadAttachment("c", "p"), undefined);
});

test("only what can be shown and sent is kept", async () => {
  const image = page("i", { kind: "image" });
  await attachments.keepAttachment(image, PIXEL);
  for (const content of [
    "https://example.com/a.png",
    "data:image/svg+xml;base64,AAAA",
    "data:text/html;base64,AAAA",
    "data:image/png;base64,AA\nAA",
    PIXEL.padEnd(8_000_001, "A"),
  ]) {
    await assert.rejects(attachments.keepAttachment(image, content), { name: "UserError", message: /image/ });
  }
  await attachments.keepAttachment(page("p"), "x".repeat(400_000));
  await assert.rejects(attachments.keepAttachment(page("p"), "x".repeat(400_001)), { message: /too long/ });
  // Python could not encode half a character.
  await attachments.keepAttachment(page("p"), "\ud800");
  assert.equal(await attachments.loadAttachment("", "p"), "\ufffd");
});

test("what a panel reports of attachments is bounded", () => {
  const good = page("p", { url: "https://a.test/", width: 1, height: 2 });
  assert.deepEqual(attachments.described([{ ...good, extra: 1 }]), [good]);
  assert.equal(attachments.described([page("p", { title: "x".repeat(9000) })])[0].title.length, 2000);
  for (const wrong of [null, {}, { ...good, kind: "file" }, { ...good, id: "" }, { ...good, tokens: -1 }]) {
    assert.deepEqual(attachments.described([wrong]), []);
  }
  assert.deepEqual(attachments.described(undefined), []);
});

test("drafts that no panel holds are removed in time", async () => {
  for (const id of ["held", "left"]) await attachments.keepAttachment(page(id), "x");
  await attachments.keepAttachment(page("dropped"), "x");
  await attachments.dropAttachment("dropped");
  await attachments.keepAttachment(page("sent"), "x");
  await send("c", "1", page("sent"));
  await attachments.keepAttachment(page("edited"), "x");
  const place = { conversation_id: "c", owner: "panel", session: "s", window: 1, at: 1 };
  const edits = { 1: { text: "Anew", attachments: [page("edited")] } };
  await drafts.putDraft({ ...drafts.emptyDraft(), ...place, attachments: [page("held")], edits });
  await attachments.purgeDrafts();
  assert.deepEqual(await stored(), ["/edited", "/held", "/left", "c/sent"]);
  mock.timers.setTime(DAY + 2);
  await attachments.purgeDrafts();
  assert.deepEqual(await stored(), ["/edited", "/held", "c/sent"]);
});

test("a deleted conversation takes its attachments along when it can no longer be brought back", async () => {
  for (const [conversation, id] of ["cp", "dq"]) {
    await attachments.keepAttachment(page(id), "x");
    await send(conversation, `${conversation}1`, page(id));
  }
  await list.deleteConversation("c");
  await list.undoDelete("c");
  await list.deleteConversation("c");
  assert.deepEqual(await stored(), ["c/p", "d/q"]);
  mock.timers.setTime(1_000_000);
  await list.purgeDeleted(new Set());
  assert.deepEqual(await stored(), ["d/q"]);
});

test("a message without text gives its conversation a title by its attachments, and is found by them", async () => {
  await send("c", "1", page("p", { title: "On fjords" }));
  const { conversations } = await list.listConversations({ query: "fjor" }, new Set(["c"]));
  assert.deepEqual(
    conversations.map(({ title, snippet }) => [title, snippet?.hit]),
    [["On fjords", "fjor"]],
  );
});

test("an export brings back what was attached, to the byte", async () => {
  await attachments.keepAttachment(page("p"), 'A "valley".\n');
  await attachments.keepAttachment(page("i", { kind: "image" }), PIXEL);
  await send("c", "1", page("p", { url: "https://a.test/" }), page("i", { kind: "image" }));
  await send("c", "2", page("p"));
  const db = await database.database();
  await db.put("turns", { ...(await db.get("turns", ["c", "2"])), position: 1, parent: "1" });
  const text = (await exportConversations({ format: "json" })).files[0].text;
  assert.deepEqual(JSON.parse(text).conversations[0].contents, [
    { id: "p", content: 'A "valley".\n' },
    { id: "i", content: PIXEL },
  ]);
  assert.deepEqual(await importConversations(text), { imported: 0, skipped: 1 });
  await deleteDB("sidestream");
  assert.deepEqual(await importConversations(text), { imported: 1, skipped: 0 });
  assert.equal(await attachments.loadAttachment("c", "i"), PIXEL);
  assert.equal((await exportConversations({ format: "json" })).files[0].text, text);
  const markdown = (await exportConversations({ format: "markdown" })).files[0].text;
  assert.match(markdown, /## You\n\n\*Attached page: Page p \(https:\/\/a\.test\/\)\*\n\n\*Attached image: Page i\*/);

  for (const damage of [
    [{ id: "i", content: "https://example.com/track.png" }],
    [{ id: "p", content: 1 }],
    [{ id: "other", content: "of no message" }],
    "p",
  ]) {
    const file = JSON.parse(text);
    Object.assign(file.conversations[0], { id: "d", contents: damage });
    await assert.rejects(importConversations(JSON.stringify(file)), { message: /damaged attachment/ });
  }
  for (const damage of [[], [{ ...page("p"), kind: "x" }], "p"]) {
    const file = JSON.parse(text);
    file.conversations[0].turns[0].attachments = damage;
    await assert.rejects(importConversations(JSON.stringify(file)), { message: /damaged at message 1/ });
  }
});

test("the panel sees what is attached while Python starts", async () => {
  await send("c", "1", page("p"));
  assert.deepEqual((await storedView("c")).turns[0].attachments, [page("p")]);
});

test("a database of version 3 gets a place for attachments, and keeps all it has", async () => {
  const old = await openDB("sidestream", 3, {
    upgrade(db) {
      db.createObjectStore("conversations", { keyPath: "id" }).createIndex("by_updated", "updated_at");
      const turns = db.createObjectStore("turns", { keyPath: ["conversation_id", "id"] });
      turns.createIndex("by_conversation", ["conversation_id", "position"]);
      turns.createIndex("by_word", "words", { multiEntry: true });
      turns.createIndex("by_active", "active");
      db.createObjectStore("usage", { keyPath: ["day", "origin", "model"] });
      for (const name of ["meta", "keys"]) db.createObjectStore(name);
    },
  });
  await old.put("conversations", { id: "c", created_at: 1, updated_at: 1, title: "T", turns: 1, leaf: "1" });
  await old.put("turns", { ...record, id: "1", user: "Hi", conversation_id: "c", words: ["hi"] });
  old.close();
  assert.equal((await conversationStore.loadConversation("c"))?.turns[0].user, "Hi");
  await attachments.keepAttachment(page("p"), "x");
  await send("c", "2", page("p"));
  assert.deepEqual(await stored(), ["c/p"]);
});
