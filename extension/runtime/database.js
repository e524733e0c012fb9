/**
 * What outlives the worker: conversations, their turns, and the WebCrypto key of the vault, in IndexedDB.
 *
 * A turn is one record, so that writing a growing answer costs the same in a long conversation as in a short one. Turns are stored
 * as `session/conversation.py` writes them; this file reads of them only what the panel is shown while Python starts.
 */

import { openDB } from "../vendor/idb.js";

/** @import { ConversationView, Turn } from "../protocol.js" */

const NAME = "sidestream";
const VERSION = 1;

/** @typedef {Turn & {conversation_id: string, position: number}} StoredTurn */

/** @type {Promise<import("idb").IDBPDatabase<any>> | undefined} */
let opened;

/** The database, opened once. A connection that Chrome closes, or that could not be opened, is forgotten. */
function database() {
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

/**
 * Brings a database of any earlier version up to date, one step per version.
 * @param {import("idb").IDBPDatabase<any>} db
 * @param {number} oldVersion
 */
function upgrade(db, oldVersion) {
  if (oldVersion < 1) {
    db.createObjectStore("conversations", { keyPath: "id" });
    const turns = db.createObjectStore("turns", { keyPath: "id" });
    turns.createIndex("by_conversation", ["conversation_id", "position"]);
    db.createObjectStore("meta");
    db.createObjectStore("keys");
  }
}

/**
 * Begin a conversation, which becomes the current one.
 * @param {string} id
 * @param {number} createdAt  Unix time in milliseconds.
 */
export async function beginConversation(id, createdAt) {
  const transaction = (await database()).transaction(["conversations", "meta"], "readwrite");
  await Promise.all([
    transaction.objectStore("conversations").put({ id, created_at: createdAt, updated_at: createdAt }),
    transaction.objectStore("meta").put(id, "current"),
    transaction.done,
  ]);
}

/**
 * Write a turn, in place of its earlier state. Resolves when it is safe.
 * @param {string} conversationId
 * @param {string} turn  JSON.
 */
export async function saveTurn(conversationId, turn) {
  const record = { ...JSON.parse(turn), conversation_id: conversationId };
  const transaction = (await database()).transaction(["conversations", "turns"], "readwrite");
  const conversations = transaction.objectStore("conversations");
  const conversation = await conversations.get(conversationId);
  await Promise.all([
    transaction.objectStore("turns").put(record),
    conversations.put({ id: conversationId, created_at: record.created_at, ...conversation, updated_at: Date.now() }),
    transaction.done,
  ]);
}

/**
 * The current conversation with its turns, oldest first; undefined before the first one.
 * @returns {Promise<{id: string, created_at: number, turns: StoredTurn[]} | undefined>}
 */
export async function loadConversation() {
  const db = await database();
  const id = await db.get("meta", "current");
  const conversation = id && (await db.get("conversations", id));
  if (!conversation) return undefined;
  const range = IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER]);
  const turns = await db.getAllFromIndex("turns", "by_conversation", range);
  return { id, created_at: conversation.created_at, turns };
}

/**
 * The current conversation as the panel is shown it before Python is up. A turn that is stored as under way was
 * cut off when the last worker ended.
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
