/**
 * What outlives the worker: conversations, their turns, and the WebCrypto key of the vault, in IndexedDB.
 *
 * A turn is one record, so that writing a growing answer costs the same in a long conversation as in a short one. Turns are stored
 * as `session/turn.py` writes them, with the words by which they are found.
 */

import { deleteDB, openDB } from "../../vendor/idb.js";
import { mended, readConversation, readTurn } from "../../worker/storage/records.js";
import { forgetIndex, indexTurn } from "../../worker/storage/search-index.js";
import { countUsage } from "../../worker/storage/usage.js";
import { titleOf, titleOfTurn } from "../titles.js";
import { isUnfinished } from "../turn-status.js";
import { claim, release } from "./attachments.js";

/** @import { ConversationSettings, Turn } from "../protocol.js" */

const NAME = "sidestream";
const VERSION = 6;

/**
 * @typedef {Turn & {conversation_id: string, position: number, version: number, sent?: boolean, begun?: boolean, active?: 1, items?: any[]}} StoredTurn
 *   `active` is there while it has yet to end.
 */

/**
 * @typedef {object} StoredConversation
 * @property {string} id
 * @property {number} created_at  Unix time in milliseconds, as all times here.
 * @property {number} updated_at
 * @property {string} title  The beginning of the first message.
 * @property {string} [own_title]  The user's title, which is shown instead.
 * @property {number} turns  How many there are, in all branches.
 * @property {string} [leaf]  The last turn of the branch that is shown.
 * @property {ConversationSettings} [settings]
 * @property {number} [deleted_at]  Deleted by the user; gone for good when the time to undo it is over.
 */

/** @type {Promise<import("idb").IDBPDatabase<any>> | undefined} */
let opened;

/** The database, opened once. A connection that Chrome closes, or that could not be opened, is forgotten. */
export function database() {
  opened ??= openDB(NAME, VERSION, { upgrade, terminated: forget, blocking: close }).catch((error) => {
    forget();
    throw error;
  });
  return opened;
}

function forget() {
  opened = undefined;
  forgetIndex();
}

/** @param {number} _current @param {number | null} _blocked @param {IDBVersionChangeEvent} event */
function close(_current, _blocked, event) {
  /** @type {IDBDatabase} */ (event.target).close();
  forget();
}

/** Removes the database with all that is in it. The next use makes a new one. */
export async function deleteDatabase() {
  const db = await opened?.catch(() => undefined);
  db?.close();
  forget();
  await deleteDB(NAME);
}

/**
 * Brings a database of any earlier version up to date, one step per version.
 * @param {import("idb").IDBPDatabase<any>} db
 * @param {number} oldVersion
 * @param {number | null} _newVersion
 * @param {import("idb").IDBPTransaction<any, any, "versionchange">} transaction
 */
async function upgrade(db, oldVersion, _newVersion, transaction) {
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
 * Turns get the one before them as their parent, conversations know the end of their branch, and turns that have yet to end can be found.
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
 * The index for the search is made anew, in the background: see `search_index.js`. The one of words, `by_word`, stays, and is emptied there: to
 * delete it takes minutes in which nothing else could be done.
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

/** @param {Turn} turn @returns {{active?: 1}} */
function activity({ status }) {
  return isUnfinished(status) ? { active: 1 } : {};
}

/**
 * The range of a conversation's turns in the index `by_conversation`, in their order. A turn without a proper position is not in that index.
 * @param {string} id
 */
function turnsOf(id) {
  return IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);
}

/**
 * The range of what belongs to a conversation in a store whose keys begin with it.
 * @param {string} id
 */
export function allOf(id) {
  // Arrays come after all strings.
  return IDBKeyRange.bound([id], [id, []]);
}

/**
 * All turns of a conversation that can be read, in their order.
 * @param {{getAll: (range: IDBKeyRange) => Promise<any[]>}} turns  The store.
 * @param {string} id
 * @returns {Promise<StoredTurn[]>}
 */
export async function turnsIn(turns, id) {
  const stored = await turns.getAll(allOf(id));
  const readable = stored.map(readTurn).filter((turn) => turn !== undefined);
  readable.sort((one, other) => one.position - other.position);
  // Each has a place of its own, also where a record had lost it.
  for (const [at, turn] of readable.entries()) {
    const least = at > 0 ? readable[at - 1].position + 1 : 0;
    if (turn.position < least) readable[at] = { ...turn, position: least };
  }
  return mended(readable);
}

/** The turns of a conversation, as {@link turnsIn}. @param {string} id */
export async function turnsOfConversation(id) {
  const db = await database();
  return turnsIn({ getAll: (range) => db.getAll("turns", range) }, id);
}

/** All conversations, also the empty and deleted ones, the latest first. @returns {Promise<StoredConversation[]>} */
export async function allConversations() {
  // The index by time has only those whose time is one.
  const stored = (await (await database()).getAll("conversations")).map(readConversation);
  return stored.sort((one, other) => other.updated_at - one.updated_at || (one.id < other.id ? 1 : -1));
}

/**
 * Do some work in one transaction: all of it is written, or nothing. Rejects with the cause, which for a full disk is a
 * `QuotaExceededError`; the requests alone would only say that they were aborted.
 * @template T
 * @param {string[]} stores
 * @param {(transaction: import("idb").IDBPTransaction<any, string[], "readwrite">) => Promise<T>} work
 * @param {IDBTransactionDurability} [durability]  `strict`: it is on the disk, not only on its way there.
 * @returns {Promise<T>}
 */
export async function write(stores, work, durability = "relaxed") {
  const transaction = (await database()).transaction(stores, "readwrite", { durability });
  const done = transaction.done.catch((error) => {
    throw transaction.error ?? error;
  });
  done.catch(() => {});
  try {
    const result = await work(transaction);
    await done;
    return result;
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // It has ended by itself, and knows why.
      await done;
    }
    throw error;
  }
}

/**
 * Write what Python knows of a conversation, and a turn in place of its earlier state. Resolves when it is safe.
 * @param {string} head  JSON: `{id, created_at, leaf, settings}`.
 * @param {string} turn  JSON; "" for none.
 * @returns {Promise<string | undefined>}  The turn's id if it was not there before.
 */
export async function saveTurn(head, turn) {
  const known = JSON.parse(head);
  const record = turn ? JSON.parse(turn) : undefined;
  let isNew = false;
  const work = async (/** @type {import("idb").IDBPTransaction<any, string[], "readwrite">} */ transaction) => {
    const conversations = transaction.objectStore("conversations");
    const stored = await conversations.get(known.id);
    const begun = { title: "", turns: 0, updated_at: known.created_at };
    const conversation = withHead({ ...begun, ...stored }, known);
    if (record) {
      const turns = transaction.objectStore("turns");
      isNew = (await turns.getKey([known.id, record.id])) === undefined;
      if (isNew) await claim(transaction, known.id, record);
      await countUsage(transaction, known.id, record);
      const turn = { ...record, ...activity(record), conversation_id: known.id };
      await turns.put(turn);
      // While the answer grows, the message is what it is found by.
      if (isNew || !turn.active) await indexTurn(transaction, turn, conversation.turns === 0);
      conversation.title ||= titleOfTurn(record);
      conversation.updated_at = Date.now();
      if (isNew) {
        conversation.turns += 1;
        // Who writes on in a conversation wants it back.
        delete conversation.deleted_at;
      }
    }
    await conversations.put(conversation);
  };
  // After a power cut a message must be there, and whether it was sent. What is written each second need not wait for the disk.
  const isGrowing = record && record.status !== "queued" && activity(record).active && record.blocks.length > 0;
  await write(
    ["conversations", "turns", "usage", "attachments", "texts", "search"],
    work,
    isGrowing ? "relaxed" : "strict",
  );
  return isNew ? record.id : undefined;
}

/**
 * What Python does not name it has not.
 * @param {StoredConversation} stored @param {Record<string, any>} head @returns {StoredConversation}
 */
function withHead({ leaf: _, settings: __, ...stored }, { settings, ...head }) {
  const own = settings && Object.keys(settings).length > 0 ? { settings } : {};
  return { ...stored, ...head, ...own };
}

/**
 * Remove a turn. Resolves when it is gone for good; what was attached to it alone is a draft again.
 * @param {string} head  As for {@link saveTurn}.
 * @param {string} id
 */
export async function removeTurn(head, id) {
  const known = JSON.parse(head);
  await write(["conversations", "turns", "attachments", "texts"], async (transaction) => {
    const conversations = transaction.objectStore("conversations");
    const turns = transaction.objectStore("turns");
    const conversation = await conversations.get(known.id);
    /** @type {StoredTurn | undefined} */
    const turn = await turns.get([known.id, id]);
    if (!turn) return;
    await turns.delete([known.id, id]);
    await transaction.objectStore("texts").delete([known.id, id]);
    if (turn.attachments) {
      await release(transaction, known.id, turn, await turnsIn(turns, known.id));
    }
    if (conversation) await conversations.put(withHead({ ...conversation, turns: conversation.turns - 1 }, known));
  });
}

/**
 * What was kept under a name; "" for nothing.
 * @param {string} name
 * @returns {Promise<string>}
 */
export async function recall(name) {
  return (await (await database()).get("meta", name)) ?? "";
}

/** @param {string} name @param {string} text */
export async function remember(name, text) {
  await write(["meta"], (transaction) => transaction.objectStore("meta").put(text, name));
}

/**
 * Whether a turn is stored.
 * @param {string} conversation
 * @param {string} id
 */
export async function hasTurn(conversation, id) {
  return (await (await database()).getKey("turns", [conversation, id])) !== undefined;
}

/**
 * A conversation with its turns, in the order in which they were made; undefined when it is not there, or deleted.
 * @param {string} id
 * @returns {Promise<{id: string, created_at: number, leaf?: string, settings?: ConversationSettings, turns: StoredTurn[]} | undefined>}
 */
export async function loadConversation(id) {
  const db = await database();
  const stored = await db.get("conversations", id);
  const conversation = stored && readConversation(stored);
  if (!conversation || conversation.deleted_at) return undefined;
  const { created_at, leaf, settings } = conversation;
  return { id, created_at, leaf, settings, turns: await turnsOfConversation(id) };
}

/**
 * The hosts that the user allows a conversation's Python to reach.
 * @param {string} id
 * @returns {Promise<string[]>}
 */
export async function networkOf(id) {
  /** @type {StoredConversation | undefined} */
  const conversation = await (await database()).get("conversations", id);
  return conversation?.settings?.network ?? [];
}

/** The conversations with a turn that has yet to end. @returns {Promise<string[]>} */
export async function unfinishedConversations() {
  const keys = /** @type {unknown} */ (await (await database()).getAllKeysFromIndex("turns", "by_active"));
  return [...new Set(/** @type {[string, string][]} */ (keys).map(([conversation]) => conversation))];
}

/**
 * The turns of a branch, oldest first.
 * @template {{id: string, parent?: string}} T
 * @param {T[]} turns  Of all branches, in the order in which they were made.
 * @param {string | undefined} leaf  The last one of the branch; else the last one of all.
 */
export function pathOf(turns, leaf) {
  const known = new Map(turns.map((turn) => [turn.id, turn]));
  const path = new Set();
  let turn = known.get(leaf ?? "") ?? turns.at(-1);
  while (turn && !path.has(turn)) {
    path.add(turn);
    turn = known.get(turn.parent ?? "");
  }
  return /** @type {T[]} */ ([...path].reverse());
}

/**
 * The vault's key, made when it is asked for first. It cannot be exported, from here or from anywhere.
 * @returns {Promise<CryptoKey>}
 */
export async function deviceKey() {
  const db = await database();
  const stored = await db.get("keys", "device");
  if (stored) return stored;
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  // Two at once: the first one in wins.
  const transaction = db.transaction("keys", "readwrite");
  const winner = await transaction.store.get("device");
  if (!winner) await transaction.store.put(key, "device");
  await transaction.done;
  return winner ?? key;
}
