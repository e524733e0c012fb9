/**
 * The database in IndexedDB that the pages and the worker share: how it is opened, and how a change of it is written.
 *
 * A turn is one record, so that writing a growing answer costs the same in a long conversation as in a short one. What
 * each store holds is described in `docs/storage.md`.
 */

import { deleteDB, openDB } from "../../vendor/idb.js";
import { upgrade, VERSION } from "./migrations.js";

const NAME = "sidestream";

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
 * The keys of everything that belongs to a conversation, in a store whose keys begin with the conversation's id.
 * @param {string} id
 */
export function keysOf(id) {
  // Arrays come after all strings.
  return IDBKeyRange.bound([id], [id, []]);
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
