/** Reads the stored conversations and their turns. What cannot be read of a record is left out; see `records.js`. */

import { database, keysOf } from "../../shared/storage/database.js";
import { mended } from "./branches.js";
import { readConversation, readTurn } from "./records.js";

/** @import { ConversationSettings } from "../../shared/protocol.js" */
/** @import { StoredConversation, StoredTurn } from "./records.js" */

/**
 * All turns of a conversation that can be read, in their order.
 * @param {{getAll: (range: IDBKeyRange) => Promise<any[]>}} turns  The store.
 * @param {string} id
 * @returns {Promise<StoredTurn[]>}
 */
export async function turnsIn(turns, id) {
  const stored = await turns.getAll(keysOf(id));
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
 * @returns {Promise<{id: string, created_at: number, leaf?: string, settings?: ConversationSettings, turns:
 *   StoredTurn[]} | undefined>}
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
