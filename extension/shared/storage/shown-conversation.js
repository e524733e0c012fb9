/** Which conversation a window shows, so that its panel finds it again. */

import { database } from "./database.js";

/**
 * A window's number is new each time that the browser starts, so this lives as long as the browser runs.
 * @param {number} window
 */
const keyOf = (window) => `shown:${window}`;

/**
 * The conversation that a window showed last; for a window that is new, or unknown, the one that was shown last in any.
 * It may never have been stored.
 * @param {number} [window]
 * @returns {Promise<string | undefined>}  Undefined when there is none, or it was deleted.
 */
export async function shownIn(window) {
  const db = await database();
  const key = keyOf(window ?? 0);
  const { [key]: own } = await chrome.storage.session.get(key);
  const id = /** @type {string | undefined} */ (own) ?? (await db.get("meta", "current"));
  return id && !(await db.get("conversations", id))?.deleted_at ? id : undefined;
}

/**
 * @param {string} id
 * @param {number} [window]
 */
export async function rememberShown(id, window) {
  if (window !== undefined) await chrome.storage.session.set({ [keyOf(window)]: id });
  await (await database()).put("meta", id, "current");
}
