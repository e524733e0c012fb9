/** The WebCrypto key in IndexedDB under which the vault encrypts. */

import { database } from "../../shared/storage/database.js";

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
