/**
 * The list of conversations: found, renamed, deleted, and what they take of the disk. JavaScript alone; Python may be
 * asleep.
 */

import { UserError } from "../../shared/errors.js";
import { fold, termsOf } from "../../shared/fold.js";
import { logError } from "../../shared/log.js";
import { removeAttachments } from "../../shared/storage/attachments.js";
import { database, keysOf, write } from "../../shared/storage/database.js";
import { conversationsWithDrafts, freeDrafts, removeDrafts } from "../../shared/storage/drafts.js";
import { text } from "../../shared/text.js";
import { snapshotBytes } from "../python/snapshot.js";
import { allConversations, unfinishedConversations } from "./conversation-store.js";
import { readConversation, readTurn } from "./records.js";
import { snippetOf } from "./search.js";
import { indexMissing, loadIndex, missing, removeFromIndex, searchIndex } from "./search-index.js";

/** @import { ConversationSummary, StorageUse } from "../../shared/protocol.js" */
/** @import { StoredConversation } from "./records.js" */
/** @import { Found } from "./search-index.js" */

/** How long a deleted conversation can be brought back. */
export const UNDO_MS = 20_000;
const PAGE = 50;

/**
 * The ids of conversations that must stay, however old or empty they are: those that a panel shows.
 * @typedef {Set<string>} InUse
 */

/**
 * Conversations, the latest first. With a query, those that have all of its words, each in the title or in some turn,
 * and each as a whole or as a part of another word; what is in quotes has to be there as it is. Those with all of them
 * in the title come first.
 * @param {{query?: string, offset?: number, limit?: number}} request
 * @param {InUse} inUse
 * @returns {Promise<{conversations: ConversationSummary[], next?: number, pending?: number}>}
 *   `next`: the offset of those that follow, if there are any. `pending`: how many have not been looked through,
 *   because their index is being made.
 */
export async function listConversations({ query = "", offset = 0, limit = PAGE }, inUse) {
  await purgeDeleted(inUse);
  const stored = await shownConversations();
  indexMissing();
  const terms = termsOf(query);
  if (terms.length === 0) {
    // By the time that something is typed the index is in memory.
    loadIndex().catch(() => {});
    const end = offset + limit;
    return {
      conversations: await marked(stored.slice(offset, end).map(summaryOf)),
      ...(end < stored.length ? { next: end } : {}),
    };
  }
  // The dots of a title that was cut are not its own.
  const all = stored.map((conversation) => ({ conversation, title: fold(titleFor(conversation).replace(/…$/, "")) }));
  const isTitled = (/** @type {{title: string}} */ { title }) => terms.every((term) => title.includes(term));
  const inOrder = [...all.filter(isTitled), ...all.filter((each) => !isTitled(each))];
  const { found, next } = await searchIndex(terms, inOrder, offset, limit);
  const pending = (await missing()).length;
  return {
    conversations: await marked(await Promise.all(found.map((each) => withSnippet(each, terms)))),
    ...(next === undefined ? {} : { next }),
    ...(pending > 0 ? { pending } : {}),
  };
}

/**
 * Says of each whether something runs or waits in it, and whether something was written there and not sent.
 * @param {ConversationSummary[]} summaries
 */
async function marked(summaries) {
  const unfinished = new Set(await unfinishedConversations());
  const drafts = await conversationsWithDrafts();
  return summaries.map((summary) => ({
    ...summary,
    ...(unfinished.has(summary.id) ? { unfinished: true } : {}),
    ...(drafts.has(summary.id) ? { draft: true } : {}),
  }));
}

/** Those that are neither empty nor deleted, the latest first. @returns {Promise<StoredConversation[]>} */
export async function shownConversations() {
  return (await allConversations()).filter(({ turns, deleted_at }) => turns > 0 && !deleted_at);
}

/** @param {StoredConversation} conversation */
export function titleFor({ own_title, title }) {
  return own_title ?? title;
}

/**
 * @param {Found} found
 * @param {string[]} terms
 * @returns {Promise<ConversationSummary>}
 */
async function withSnippet({ conversation, turn, isElsewhere }, terms) {
  const summary = summaryOf(conversation);
  if (!turn) return summary;
  const record = readTurn(await (await database()).get("turns", [conversation.id, turn]));
  const snippet = record && safeSnippet(record, terms);
  return { ...summary, ...(snippet ? { snippet } : {}), place: { turn, ...(isElsewhere ? { elsewhere: true } : {}) } };
}

/** A place that cannot be shown must not take the other rows along. @param {Parameters<typeof snippetOf>} parts */
function safeSnippet(...parts) {
  try {
    return snippetOf(...parts);
  } catch (error) {
    logError("A place that a search has found cannot be shown:", error);
    return undefined;
  }
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
  throw new UserError("invalid_request", text("conversation_gone"));
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
  if (stored.map(readConversation).some(isGone)) await removeAll(isGone);
}

/**
 * Delete for good all conversations that were not used since, but for those in use, with a draft, or with a turn that
 * has yet to end.
 * @param {number} olderThan  Unix time in milliseconds.
 * @param {InUse} inUse
 * @returns {Promise<{deleted: number}>}
 */
export async function freeStorage(olderThan, inUse) {
  await purgeDeleted(inUse);
  // Who has written something there will come back for it.
  const keep = new Set([...inUse, ...(await unfinishedConversations()), ...(await conversationsWithDrafts())]);
  return { deleted: await removeAll(({ id, updated_at }) => updated_at < olderThan && !keep.has(id)) };
}

/**
 * @param {(conversation: StoredConversation) => boolean} isMeant
 * @returns {Promise<number>}  How many it were.
 */
async function removeAll(isMeant) {
  return write(["conversations", "turns", "attachments", "drafts", "texts", "search"], async (transaction) => {
    const stored = (await transaction.objectStore("conversations").getAll()).map(readConversation);
    const meant = stored.filter(isMeant);
    for (const { id, turns, deleted_at } of meant) {
      if (turns === 0 && !deleted_at) await freeDrafts(transaction, id);
      await removeFrom(transaction, id);
    }
    return meant.length;
  });
}

/**
 * @param {import("idb").IDBPTransaction<any, string[], "readwrite">} transaction
 * @param {string} id
 */
export async function removeFrom(transaction, id) {
  const turns = transaction.objectStore("turns");
  await Promise.all([
    turns.delete(keysOf(id)),
    removeAttachments(transaction, id),
    removeDrafts(transaction, id),
    removeFromIndex(transaction, id),
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
