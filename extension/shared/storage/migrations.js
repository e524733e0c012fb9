/** The versions of the database: each step brings one of an earlier version up to the next. */

import { titleOf } from "../titles.js";
import { isUnfinished } from "../turn-status.js";

/** @import { Turn } from "../protocol.js" */

export const VERSION = 6;

/**
 * Brings a database of any earlier version up to date, one step per version.
 * @param {import("idb").IDBPDatabase<any>} db
 * @param {number} oldVersion
 * @param {number | null} _newVersion
 * @param {import("idb").IDBPTransaction<any, any, "versionchange">} transaction
 */
export async function upgrade(db, oldVersion, _newVersion, transaction) {
  if (oldVersion < 1) {
    db.createObjectStore("conversations", { keyPath: "id" });
    db.createObjectStore("turns", { keyPath: "id" });
    db.createObjectStore("meta");
    db.createObjectStore("keys");
  }
  if (oldVersion < 2) await toVersion2(db, transaction);
  if (oldVersion < 3) await toVersion3(db, transaction);
  if (oldVersion < 4) toVersion4(db);
  if (oldVersion < 5) toVersion5(db);
  if (oldVersion < 6) toVersion6(db);
}

/**
 * Conversations get a title and the count of their turns. The key of a turn begins with its conversation.
 * @param {import("idb").IDBPDatabase<any>} db
 * @param {import("idb").IDBPTransaction<any, any, "versionchange">} transaction
 */
async function toVersion2(db, transaction) {
  const old = await transaction.objectStore("turns").getAll();
  db.deleteObjectStore("turns");
  const turns = db.createObjectStore("turns", { keyPath: ["conversation_id", "id"] });
  turns.createIndex("by_conversation", ["conversation_id", "position"]);
  await Promise.all(old.map((turn) => turns.put(turn)));
  const conversations = transaction.objectStore("conversations");
  conversations.createIndex("by_updated", "updated_at");
  for (const conversation of await conversations.getAll()) {
    const range = turnsOf(conversation.id);
    const [first] = await turns.index("by_conversation").getAll(range, 1);
    const count = await turns.index("by_conversation").count(range);
    await conversations.put({ ...conversation, title: titleOf(first?.user ?? ""), turns: count });
  }
}

/**
 * Turns get the one before them as their parent, conversations know the end of their branch, and turns that have yet to
 * end can be found.
 * @param {import("idb").IDBPDatabase<any>} db
 * @param {import("idb").IDBPTransaction<any, any, "versionchange">} transaction
 */
async function toVersion3(db, transaction) {
  db.createObjectStore("usage", { keyPath: ["day", "origin", "model"] });
  const turns = transaction.objectStore("turns");
  turns.createIndex("by_active", "active");
  const conversations = transaction.objectStore("conversations");
  for (const conversation of await conversations.getAll()) {
    const line = inOneLine(await turns.index("by_conversation").getAll(turnsOf(conversation.id)));
    await Promise.all(line.map((turn) => turns.put({ ...turn, ...activity(turn) })));
    const leaf = line.at(-1)?.id;
    if (leaf) await conversations.put({ ...conversation, leaf });
  }
}

/**
 * Messages may have attachments.
 * @param {import("idb").IDBPDatabase<any>} db
 */
function toVersion4(db) {
  const attachments = db.createObjectStore("attachments", { keyPath: ["conversation_id", "id"] });
  attachments.createIndex("by_id", "id");
}

/**
 * Drafts outlive the browser.
 * @param {import("idb").IDBPDatabase<any>} db
 */
function toVersion5(db) {
  db.createObjectStore("drafts", { keyPath: ["conversation_id", "owner"] });
}

/**
 * The index for the search is made anew, in the background: see `worker/storage/search-index.js`. The one of words,
 * `by_word`, stays, and is emptied there: to delete it takes minutes in which nothing else could be done.
 * @param {import("idb").IDBPDatabase<any>} db
 */
function toVersion6(db) {
  db.createObjectStore("texts", { keyPath: ["conversation_id", "id"] });
  db.createObjectStore("search");
}

/**
 * Turns of record version 1, which knew no branches, as those of version 2.
 * @template {Turn} T
 * @param {T[]} turns  In their order.
 */
export function inOneLine(turns) {
  return turns.map((turn, index) => ({ ...turn, version: 2, ...(index > 0 ? { parent: turns[index - 1].id } : {}) }));
}

/** The mark by which unfinished turns are found in the index `by_active`. @param {Turn} turn @returns {{active?: 1}} */
export function activity({ status }) {
  return isUnfinished(status) ? { active: 1 } : {};
}

/**
 * The range of a conversation's turns in the index `by_conversation`, in their order. A turn without a proper position
 * is not in that index.
 * @param {string} id
 */
function turnsOf(id) {
  return IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);
}
