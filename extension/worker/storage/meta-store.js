/** Texts that Python keeps under a name, such as the error log and the providers' limits, in the store `meta`. */

import { database, write } from "../../shared/storage/database.js";

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
