/**
 * The index of all conversations, in IndexedDB: written with each turn, made in the background for those that were
 * stored before there was one, and asked by the list.
 */

import { logError } from "../../shared/log.js";
import { database, keysOf, write } from "../../shared/storage/database.js";
import { titleOfTurn } from "../../shared/titles.js";
import { pathOf } from "./branches.js";
import { allConversations } from "./conversation-store.js";
import { readTurn } from "./records.js";
import { addTo, emptySignature, foldedTextOf, mayHave, signatureOf } from "./search.js";

/** @import { StoredConversation, StoredTurn } from "./records.js" */
/** @import { Signature } from "./search.js" */

/** @typedef {import("idb").IDBPTransaction<any, string[], "readwrite">} Transaction */
/** @typedef {{conversation_id: string, id: string, parent?: string, folded: string}} StoredText */

/** So long, the making of an index keeps everything else waiting; one very long turn takes longer. */
const WORK_MS = 10;
/** Conversations that are looked through at a time. */
const TOGETHER = 16;

/** @typedef {Map<string, Signature>} Signatures  By the ids of their conversations. */

/**
 * What is in the store, once it was read; this worker alone writes it. It belongs to the connection that it was read
 * over: another one may lead to another database.
 * @type {{db: import("idb").IDBPDatabase<any>, signatures: Promise<Signatures>} | undefined}
 */
let loaded;

/** @param {import("idb").IDBPDatabase<any>} db @returns {Promise<Signatures>} */
async function load(db) {
  const [keys, values] = await Promise.all([db.getAllKeys("search"), db.getAll("search")]);
  return new Map(keys.map((key, at) => [String(key), values[at]]));
}

/** The index in memory. What cannot be read is read again the next time. */
export async function loadIndex() {
  const db = await database();
  if (loaded?.db !== db) {
    const signatures = load(db).catch((error) => {
      loaded = undefined;
      throw error;
    });
    loaded = { db, signatures };
  }
  return loaded.signatures;
}

/** @param {string} conversation @param {Signature | undefined} signature */
function keep(conversation, signature) {
  loaded?.signatures.then(
    (all) => (signature ? all.set(conversation, signature) : all.delete(conversation)),
    () => {},
  );
}

/**
 * Adds a turn as it is now, in the transaction that writes it.
 * @param {Transaction} transaction  Of `texts` and `search`.
 * @param {StoredTurn} turn
 * @param {boolean} isFirst  Its conversation is a new one. Another without an index is one of those that wait for it.
 */
export async function indexTurn(transaction, turn, isFirst) {
  const { conversation_id, id, parent } = turn;
  const search = transaction.objectStore("search");
  /** @type {Signature | undefined} */
  const stored = isFirst ? emptySignature() : await search.get(conversation_id);
  if (!stored) return;
  const texts = transaction.objectStore("texts");
  const folded = safelyFolded(turn);
  await texts.put({ conversation_id, id, ...(parent ? { parent } : {}), folded });
  let signature = { bits: stored.bits.slice(), count: stored.count };
  if (!addTo(signature, folded)) {
    const all = /** @type {StoredText[]} */ (await texts.getAll(keysOf(conversation_id)));
    signature = signatureOf(
      all.map((each) => each.folded),
      2 * 8 * signature.bits.length,
    );
  }
  await search.put(signature, conversation_id);
  keep(conversation_id, signature);
}

/**
 * Takes a conversation out, in the transaction that removes it.
 * @param {Transaction} transaction  Of `texts` and `search`.
 * @param {string} conversation
 */
export async function removeFromIndex(transaction, conversation) {
  keep(conversation, undefined);
  await Promise.all([
    transaction.objectStore("texts").delete(keysOf(conversation)),
    transaction.objectStore("search").delete(conversation),
  ]);
}

/** A turn that cannot be read must not keep from being stored. @param {StoredTurn} turn */
function safelyFolded(turn) {
  try {
    return foldedTextOf(turn);
  } catch (error) {
    logError("A turn could not be read for the search:", error);
    return turn.user.toLowerCase();
  }
}

// --- conversations without an index
// ------------------------------------------------------------------------------------------

/** @type {Promise<void> | undefined} */
let indexing;

/**
 * Makes the index of all conversations that have none, one after the other, the latest first. The worker stays free for
 * everything else, and may end at any time.
 * @returns {Promise<void>}  Never rejects.
 */
export function indexMissing() {
  indexing ??= indexAll()
    .catch((error) => logError("The index for the search could not be made:", error))
    .finally(() => {
      indexing = undefined;
    });
  return indexing;
}

async function indexAll() {
  const tried = new Set();
  // Others may be imported while these are read.
  for (let ids = await missing(); ids.length > 0; ids = (await missing()).filter((id) => !tried.has(id))) {
    for (const id of ids) {
      tried.add(id);
      // What is written in just now changes each second, and is tried again the next time.
      for (let tries = 3; tries > 0 && !(await indexConversation(id)); tries -= 1);
    }
  }
}

/** Conversations that cannot be found by their turns yet, the latest first. @returns {Promise<string[]>} */
export async function missing() {
  const index = await loadIndex();
  const stored = await allConversations();
  return stored.filter(({ id, turns }) => turns > 0 && !index.has(id)).map(({ id }) => id);
}

/** @param {string} id @returns {Promise<boolean>}  False when it was changed meanwhile. */
async function indexConversation(id) {
  const db = await database();
  /** @type {StoredConversation | undefined} */
  const before = await db.get("conversations", id);
  const keys = await db.getAllKeys("turns", keysOf(id));
  /** @type {StoredText[]} */
  const texts = [];
  /** What earlier versions found a turn by, with an index of its own. @type {IDBValidKey[]} */
  const withWords = [];
  /** Of the first turn that has one. */
  let title = { position: Number.POSITIVE_INFINITY, text: "" };
  for (const key of keys) {
    /** @type {(StoredTurn & {words?: string[]}) | undefined} */
    const turn = readTurn(await db.get("turns", key));
    if (!turn) continue;
    const { position, parent } = turn;
    if (turn.words) withWords.push(key);
    const text = position < title.position ? titleOfTurn(turn) : "";
    if (text) title = { position, text };
    texts.push({ conversation_id: id, id: turn.id, ...(parent ? { parent } : {}), folded: safelyFolded(turn) });
    await pause();
  }
  const signature = signatureOf(texts.map(({ folded }) => folded));
  return write(["conversations", "turns", "texts", "search"], async (transaction) => {
    const conversations = transaction.objectStore("conversations");
    /** @type {StoredConversation | undefined} */
    const now = await conversations.get(id);
    // What is no number, or not even a value that equals itself, changes nothing.
    if (!Object.is(now?.turns, before?.turns) || String(now?.updated_at) !== String(before?.updated_at)) return false;
    if (!now) return true;
    await Promise.all(texts.map((text) => transaction.objectStore("texts").put(text)));
    await transaction.objectStore("search").put(signature, id);
    for (const key of withWords) {
      const { words: _, ...turn } = await transaction.objectStore("turns").get(key);
      await transaction.objectStore("turns").put(turn);
    }
    // Earlier versions took the first line, whatever it was.
    if (title.text && title.text !== now.title) await conversations.put({ ...now, title: title.text });
    keep(id, signature);
    return true;
  });
}

let worked = 0;

/** Lets everything else go first, as often as work takes long. */
async function pause() {
  if (performance.now() - worked < WORK_MS) return;
  await new Promise((resolve) => setTimeout(resolve, 0));
  worked = performance.now();
}

// --- asking
// --------------------------------------------------------------------------------------------------------------------

/**
 * A conversation that was found, and the turn that has most of the terms: the first such of the branch that is shown,
 * else of another.
 * @typedef {{conversation: StoredConversation, turn?: string, isElsewhere?: boolean}} Found
 */

/**
 * Some of the conversations that have all of the terms, each in the title or in some turn.
 * @param {string[]} terms  Folded.
 * @param {{conversation: StoredConversation, title: string}[]} all  In the order in which they are wanted; titles
 *   folded.
 * @param {number} offset  Where in `all` to begin.
 * @param {number} limit  How many are wanted.
 * @returns {Promise<{found: Found[], next?: number}>}  `next`: the offset to go on with, if there may be more.
 */
export async function searchIndex(terms, all, offset, limit) {
  const index = await loadIndex();
  /** @type {Found[]} */
  const found = [];
  let at = offset;
  while (at < all.length) {
    /** @type {Promise<{found: Found | undefined, at: number}>[]} */
    const looked = [];
    for (; at < all.length && looked.length < TOGETHER; at += 1) {
      const { conversation, title } = all[at];
      const signature = index.get(conversation.id);
      const others = terms.filter((term) => !title.includes(term));
      // Where the title has all of them, a turn may have them as well.
      const wanted = others.length > 0 ? others : terms;
      const canHave = signature !== undefined && wanted.every((term) => mayHave(signature, term));
      const place = at;
      if (canHave)
        looked.push(lookThrough(conversation, terms, others).then((result) => ({ found: result, at: place })));
      else if (others.length === 0) looked.push(Promise.resolve({ found: { conversation }, at: place }));
    }
    for (const result of await Promise.all(looked)) {
      if (!result.found) continue;
      if (found.length === limit) return { found, next: result.at };
      found.push(result.found);
    }
  }
  return { found };
}

/**
 * @param {StoredConversation} conversation
 * @param {string[]} terms
 * @param {string[]} needed  Those that its title lacks.
 * @returns {Promise<Found | undefined>}
 */
async function lookThrough(conversation, terms, needed) {
  /** @type {StoredText[]} */
  const texts = await (await database()).getAll("texts", keysOf(conversation.id));
  if (!needed.every((term) => texts.some(({ folded }) => folded.includes(term)))) return undefined;
  const path = new Set(pathOf(texts, conversation.leaf));
  let best = { count: 0, id: "", isElsewhere: false };
  const consider = (/** @type {StoredText} */ { id, folded }, /** @type {boolean} */ isElsewhere) => {
    const count = terms.filter((term) => folded.includes(term)).length;
    if (count > best.count) best = { count, id, isElsewhere };
  };
  for (const text of path) consider(text, false);
  for (const text of texts) if (!path.has(text)) consider(text, true);
  return { conversation, ...(best.id ? { turn: best.id } : {}), ...(best.isElsewhere ? { isElsewhere: true } : {}) };
}
