/** The list of conversations: found, renamed, deleted, and what they take of the disk. JavaScript alone; Python may be asleep. */

import { removeAttachments } from "./attachments.js";
import { database, turnsOf, unfinishedConversations, write } from "./database.js";
import { UserError } from "./errors.js";
import { snippetOf, wordsOf } from "./search.js";
import { snapshotBytes } from "./snapshot.js";

/** @import { ConversationSummary, StorageUse } from "../protocol.js" */
/** @import { StoredConversation } from "./database.js" */

/** How long a deleted conversation can be brought back. */
export const UNDO_MS = 20_000;
const PAGE = 50;

/**
 * The ids of conversations that must stay, however old or empty they are: those that a panel shows.
 * @typedef {Set<string>} InUse
 */

/**
 * Conversations, the latest first; with a query, those in whose title or turns each of its words begins a word.
 * @param {{query?: string, offset?: number, limit?: number}} request
 * @param {InUse} inUse
 * @returns {Promise<{conversations: ConversationSummary[], total: number}>}
 */
export async function listConversations({ query = "", offset = 0, limit = PAGE }, inUse) {
  await purgeDeleted(inUse);
  const stored = await shownConversations();
  const words = wordsOf(query);
  if (words.length === 0) {
    // A query of marks alone finds nothing, an empty one everything.
    const all = query.trim() ? [] : stored;
    return { conversations: await marked(all.slice(offset, offset + limit).map(summaryOf)), total: all.length };
  }
  const hits = await Promise.all(words.map(turnsWith));
  const found = stored.filter((conversation) => {
    const title = wordsOf(titleFor(conversation));
    return words.every((word, index) => hits[index].has(conversation.id) || title.some((one) => matches(one, word)));
  });
  const page = found.slice(offset, offset + limit);
  const conversations = await Promise.all(page.map((conversation) => withSnippet(conversation, words, hits)));
  return { conversations: await marked(conversations), total: found.length };
}

/** Says of each whether something runs or waits in it. @param {ConversationSummary[]} summaries */
async function marked(summaries) {
  const unfinished = new Set(await unfinishedConversations());
  return summaries.map((summary) => (unfinished.has(summary.id) ? { ...summary, unfinished: true } : summary));
}

/** Those that are neither empty nor deleted, the latest first. @returns {Promise<StoredConversation[]>} */
export async function shownConversations() {
  const stored = await (await database()).getAllFromIndex("conversations", "by_updated");
  return stored.filter(({ turns, deleted_at }) => turns > 0 && !deleted_at).reverse();
}

/** @param {StoredConversation} conversation */
export function titleFor({ own_title, title }) {
  return own_title ?? title;
}

/** A single letter means itself: as a beginning it would find everything. @param {string} word @param {string} wanted */
function matches(word, wanted) {
  return wanted.length === 1 ? word === wanted : word.startsWith(wanted);
}

/**
 * The turns that hold a word, by conversation.
 * @param {string} word
 * @returns {Promise<Map<string, Set<string>>>}
 */
async function turnsWith(word) {
  const range = word.length === 1 ? IDBKeyRange.only(word) : IDBKeyRange.bound(word, `${word}\uFFFF`);
  const keys = await (await database()).getAllKeysFromIndex("turns", "by_word", range);
  const found = new Map();
  for (const [conversation, turn] of /** @type {[string, string][]} */ (/** @type {unknown} */ (keys))) {
    const turns = found.get(conversation);
    if (turns) turns.add(turn);
    else found.set(conversation, new Set([turn]));
  }
  return found;
}

/**
 * @param {StoredConversation} conversation
 * @param {string[]} words
 * @param {Map<string, Set<string>>[]} hits
 * @returns {Promise<ConversationSummary>}
 */
async function withSnippet(conversation, words, hits) {
  const sets = hits.flatMap((hit) => hit.get(conversation.id) ?? []);
  if (sets.length === 0) return summaryOf(conversation);
  // Best is a turn that has them all.
  let turns = [...sets[0]];
  for (const set of sets) {
    const both = turns.filter((turn) => set.has(turn));
    if (both.length > 0) turns = both;
  }
  const record = await (await database()).get("turns", [conversation.id, turns[0]]);
  const snippet = record && snippetOf(record, words);
  return { ...summaryOf(conversation), ...(snippet ? { snippet } : {}) };
}

/** @param {StoredConversation} conversation @returns {ConversationSummary} */
function summaryOf(conversation) {
  const { id, created_at, updated_at, turns } = conversation;
  return { id, title: titleFor(conversation), created_at, updated_at, turns };
}

/**
 * @param {string} id
 * @param {string} title  An empty one gives the title back that it had of itself.
 */
export async function renameConversation(id, title) {
  await change(id, ({ own_title: _, ...conversation }) => {
    const own = title.toWellFormed().replace(/\s+/g, " ").trim();
    return own ? { ...conversation, own_title: own } : conversation;
  });
}

/**
 * Delete a conversation, for the time being.
 * @param {string} id
 * @returns {Promise<{undo_until: number}>}  Unix time in milliseconds.
 */
export async function deleteConversation(id) {
  const now = Date.now();
  await change(id, (conversation) => ({ ...conversation, deleted_at: now }));
  return { undo_until: now + UNDO_MS };
}

/** @param {string} id */
export async function undoDelete(id) {
  await change(id, ({ deleted_at: _, ...conversation }) => conversation);
}

/**
 * @param {string} id
 * @param {(conversation: StoredConversation) => StoredConversation} update
 */
async function change(id, update) {
  await write(["conversations"], async (transaction) => {
    const conversations = transaction.objectStore("conversations");
    await conversations.put(update(present(await conversations.get(id))));
  });
}

/** @param {StoredConversation | undefined} conversation */
function present(conversation) {
  if (conversation) return conversation;
  throw new UserError("invalid_request", "That conversation is not there any more.");
}

/**
 * Remove for good what was deleted and can no longer be brought back, and empty conversations that nobody looks at.
 * @param {InUse} inUse
 */
export async function purgeDeleted(inUse) {
  const db = await database();
  const isGone = (/** @type {StoredConversation} */ { id, deleted_at, turns }) =>
    deleted_at ? deleted_at + UNDO_MS < Date.now() : turns === 0 && !inUse.has(id);
  // Looked for first: a list that is only read must not wait for a turn that is being written.
  const stored = await db.getAll("conversations");
  if (stored.some(isGone)) await removeAll(isGone);
}

/**
 * Delete for good all conversations that were not used since, but for those in use or with a turn that has yet to end.
 * @param {number} olderThan  Unix time in milliseconds.
 * @param {InUse} inUse
 * @returns {Promise<{deleted: number}>}
 */
export async function freeStorage(olderThan, inUse) {
  await purgeDeleted(inUse);
  const keep = new Set([...inUse, ...(await unfinishedConversations())]);
  return { deleted: await removeAll(({ id, updated_at }) => updated_at < olderThan && !keep.has(id)) };
}

/**
 * @param {(conversation: StoredConversation) => boolean} isMeant
 * @returns {Promise<number>}  How many it were.
 */
async function removeAll(isMeant) {
  return write(["conversations", "turns", "attachments"], async (transaction) => {
    const stored = /** @type {StoredConversation[]} */ (await transaction.objectStore("conversations").getAll());
    const meant = stored.filter(isMeant);
    for (const { id } of meant) await removeFrom(transaction, id);
    return meant.length;
  });
}

/**
 * @param {import("idb").IDBPTransaction<any, string[], "readwrite">} transaction
 * @param {string} id
 */
export async function removeFrom(transaction, id) {
  const turns = transaction.objectStore("turns");
  const keys = await turns.index("by_conversation").getAllKeys(turnsOf(id));
  await Promise.all([
    ...keys.map((key) => turns.delete(key)),
    removeAttachments(transaction, id),
    transaction.objectStore("conversations").delete(id),
  ]);
}

/** @returns {Promise<StorageUse>} */
export async function storageUse() {
  const [{ usage = 0, quota = 0 }, conversations, snapshot] = await Promise.all([
    navigator.storage.estimate(),
    shownConversations(),
    snapshotBytes(),
  ]);
  return { used_bytes: usage, quota_bytes: quota, conversations: conversations.length, snapshot_bytes: snapshot };
}
