/**
 * What outlives the worker: conversations, their turns, and the WebCrypto key of the vault, in IndexedDB.
 *
 * A turn is one record, so that writing a growing answer costs the same in a long conversation as in a short one. Turns are stored
 * as `session/conversation.py` writes them, with the words by which they are found; this file reads of them only what the panel is
 * shown while Python starts.
 */

import { deleteDB, openDB } from "../vendor/idb.js";
import { titleOf, wordsOfTurn } from "./search.js";

/** @import { ConversationView, Turn } from "../protocol.js" */

const NAME = "sidestream";
const VERSION = 2;

/** @typedef {Turn & {conversation_id: string, position: number, words: string[], sent?: boolean}} StoredTurn */

/**
 * @typedef {object} StoredConversation
 * @property {string} id
 * @property {number} created_at  Unix time in milliseconds, as all times here.
 * @property {number} updated_at
 * @property {string} title  The beginning of the first message.
 * @property {string} [own_title]  The user's title, which is shown instead.
 * @property {number} turns  How many there are.
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
}

/**
 * Conversations get a title and the count of their turns, turns their words. The key of a turn begins with its conversation, so that a
 * search learns from the keys alone which conversations it has found.
 * @param {import("idb").IDBPDatabase<any>} db
 * @param {import("idb").IDBPTransaction<any, any, "versionchange">} transaction
 */
async function toVersion2(db, transaction) {
  const old = await transaction.objectStore("turns").getAll();
  db.deleteObjectStore("turns");
  const turns = db.createObjectStore("turns", { keyPath: ["conversation_id", "id"] });
  turns.createIndex("by_conversation", ["conversation_id", "position"]);
  turns.createIndex("by_word", "words", { multiEntry: true });
  await Promise.all(old.map((turn) => turns.put({ ...turn, words: wordsOfTurn(turn) })));
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
 * The range of a conversation's turns in the index `by_conversation`, in their order.
 * @param {string} id
 */
export function turnsOf(id) {
  return IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);
}

/**
 * Do some work in one transaction: all of it is written, or nothing. Rejects with the cause, which for a full disk is a
 * `QuotaExceededError`; the requests alone would only say that they were aborted.
 * @template T
 * @param {string[]} stores
 * @param {(transaction: import("idb").IDBPTransaction<any, string[], "readwrite">) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function write(stores, work) {
  const transaction = (await database()).transaction(stores, "readwrite");
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
 * Begin a conversation, which becomes the current one.
 * @param {string} id
 * @param {number} createdAt  Unix time in milliseconds.
 */
export async function beginConversation(id, createdAt) {
  await write(["conversations", "meta"], async (transaction) => {
    const conversation = { id, created_at: createdAt, updated_at: createdAt, title: "", turns: 0 };
    await transaction.objectStore("conversations").put(conversation);
    await transaction.objectStore("meta").put(id, "current");
  });
}

/**
 * Write a turn, in place of its earlier state. Resolves when it is safe.
 * @param {string} conversationId
 * @param {string} json
 */
export async function saveTurn(conversationId, json) {
  const turn = JSON.parse(json);
  const record = { ...turn, conversation_id: conversationId, words: wordsOfTurn(turn) };
  await write(["conversations", "turns"], async (transaction) => {
    const conversations = transaction.objectStore("conversations");
    const turns = transaction.objectStore("turns");
    const stored = await conversations.get(conversationId);
    const isNew = (await turns.getKey([conversationId, turn.id])) === undefined;
    const conversation = stored ?? { id: conversationId, created_at: turn.created_at, title: "", turns: 0 };
    await turns.put(record);
    await conversations.put({
      ...conversation,
      title: conversation.title || titleOf(turn.user),
      turns: conversation.turns + (isNew ? 1 : 0),
      updated_at: Date.now(),
    });
  });
}

/**
 * Remove a turn. Resolves when it is gone for good.
 * @param {string} conversationId
 * @param {string} id
 */
export async function removeTurn(conversationId, id) {
  await write(["conversations", "turns"], async (transaction) => {
    const conversations = transaction.objectStore("conversations");
    const turns = transaction.objectStore("turns");
    const conversation = await conversations.get(conversationId);
    if ((await turns.getKey([conversationId, id])) === undefined) return;
    await turns.delete([conversationId, id]);
    if (conversation) await conversations.put({ ...conversation, turns: conversation.turns - 1 });
  });
}

/**
 * A conversation with its turns, oldest first; undefined when it is not there, or deleted.
 * @param {string} [id]  Of itself, the current one.
 * @returns {Promise<{id: string, created_at: number, turns: StoredTurn[]} | undefined>}
 */
export async function loadConversation(id) {
  const db = await database();
  const wanted = id ?? (await db.get("meta", "current"));
  const conversation = wanted && (await db.get("conversations", wanted));
  if (!conversation || conversation.deleted_at) return undefined;
  const turns = await db.getAllFromIndex("turns", "by_conversation", turnsOf(wanted));
  return { id: wanted, created_at: conversation.created_at, turns };
}

/**
 * Make a stored conversation the current one.
 * @param {string} id
 * @returns {ReturnType<typeof loadConversation>}  Undefined when it is not there; then nothing has changed.
 */
export async function openConversation(id) {
  const conversation = await loadConversation(id);
  if (conversation) await (await database()).put("meta", id, "current");
  return conversation;
}

/**
 * The current conversation as the panel is shown it before Python is up. A turn whose request was under way was
 * cut off when the last worker ended; one that had not been sent still stands in line.
 * @returns {Promise<ConversationView>}
 */
export async function storedView() {
  const conversation = await loadConversation();
  if (!conversation) return { id: "", turns: [] };
  return { id: conversation.id, turns: conversation.turns.map(viewOfTurn) };
}

/** @param {StoredTurn} stored @returns {Turn} */
function viewOfTurn(stored) {
  const { id, user, created_at, model, error, usage } = stored;
  const underWay = ["queued", "running", "reconnecting"].includes(stored.status);
  if (underWay && stored.sent === false) {
    return { id, user, created_at, status: "queued", blocks: [], waiting: stored.waiting ?? { reason: "turn" } };
  }
  /** @type {Turn} */
  const turn = {
    id,
    user,
    created_at,
    status: underWay ? "interrupted" : stored.status,
    blocks: stored.blocks.map((block) => ({ ...block, open: false })),
  };
  return { ...turn, ...(model ? { model } : {}), ...(error ? { error } : {}), ...(usage ? { usage } : {}) };
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
