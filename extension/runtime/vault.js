/**
 * The API key, at rest and in use.
 *
 * At rest it is a ciphertext (AES-GCM) in `chrome.storage.local`, bound to the origin that it is for: it does not decrypt for another one.
 * The encrypting key is a WebCrypto key in IndexedDB that cannot be exported, or, with a passphrase, one derived from that
 * (PBKDF2, SHA-256). The derived key lives in `chrome.storage.session` while unlocked, itself encrypted under the first one.
 *
 * Only the service worker imports this module, and only {@link readKey} gives the key away: to the request that needs it.
 */

import { deviceKey } from "./database.js";
import { configurationError } from "./errors.js";

const ITERATIONS = 600_000;
const MIN_PASSPHRASE = 8;
const RECORD = "vault";
const UNLOCKED = "vault_unlocked";

/**
 * @typedef {{iv: string, data: string}} Sealed  Base64.
 * @typedef {{version: 1, origin: string, sealed: Sealed, kdf?: {salt: string, iterations: number}}} VaultRecord
 * @typedef {{origin: string | null, protected: boolean, locked: boolean}} VaultState
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @param {Uint8Array} bytes */
const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** @param {string} text */
const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

/** @param {string} purpose */
const boundTo = (purpose) => encoder.encode(`sidestream/1 ${purpose}`);

/**
 * @param {CryptoKey} key
 * @param {Uint8Array<ArrayBuffer>} secret
 * @param {string} purpose
 * @returns {Promise<Sealed>}
 */
async function seal(key, secret, purpose) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: boundTo(purpose) }, key, secret);
  return { iv: toBase64(iv), data: toBase64(new Uint8Array(data)) };
}

/**
 * @param {CryptoKey} key
 * @param {Sealed} sealed
 * @param {string} purpose
 */
async function open(key, sealed, purpose) {
  const params = { name: "AES-GCM", iv: fromBase64(sealed.iv), additionalData: boundTo(purpose) };
  return new Uint8Array(await crypto.subtle.decrypt(params, key, fromBase64(sealed.data)));
}

/**
 * @param {string} passphrase
 * @param {{salt: string, iterations: number}} kdf
 */
async function derive(passphrase, kdf) {
  const material = await crypto.subtle.importKey("raw", encoder.encode(passphrase.normalize("NFKC")), "PBKDF2", false, [
    "deriveBits",
  ]);
  const params = { name: "PBKDF2", hash: "SHA-256", salt: fromBase64(kdf.salt), iterations: kdf.iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(params, material, 256));
}

/** @param {Uint8Array<ArrayBuffer>} bits */
const importAes = (bits) => crypto.subtle.importKey("raw", bits, "AES-GCM", false, ["encrypt", "decrypt"]);

async function readRecord() {
  const { [RECORD]: record } = await chrome.storage.local.get(RECORD);
  return /** @type {VaultRecord | undefined} */ (record);
}

/** @param {VaultRecord} record */
const unlockPurpose = (record) => `unlocked ${record.kdf?.salt}`;

/**
 * The derived key, while the vault is unlocked.
 * @param {VaultRecord} record
 */
async function unlockedBits(record) {
  const { [UNLOCKED]: sealed } = await chrome.storage.session.get(UNLOCKED);
  if (!sealed) return undefined;
  // One that belongs to an earlier passphrase does not open.
  return open(await deviceKey(), /** @type {Sealed} */ (sealed), unlockPurpose(record)).catch(() => undefined);
}

/** @param {VaultRecord} record @param {Uint8Array<ArrayBuffer>} bits */
async function rememberUnlocked(record, bits) {
  await chrome.storage.session.set({ [UNLOCKED]: await seal(await deviceKey(), bits, unlockPurpose(record)) });
}

/**
 * The key that the record's ciphertext is under; undefined while locked.
 * @param {VaultRecord} record
 */
async function recordKey(record) {
  if (!record.kdf) return deviceKey();
  const bits = await unlockedBits(record);
  return bits && importAes(bits);
}

/**
 * Whose key is stored, and whether it can be used now.
 * @returns {Promise<VaultState>}
 */
export async function vaultState() {
  const record = await readRecord();
  if (!record) return { origin: null, protected: false, locked: false };
  const locked = record.kdf ? !(await unlockedBits(record)) : false;
  return { origin: record.origin, protected: Boolean(record.kdf), locked };
}

/**
 * The key for an origin, for immediate use; undefined when none is stored for it.
 * Throws a `UserError` when it is locked or cannot be read any more.
 * @param {string} origin
 */
export async function readKey(origin) {
  const record = await readRecord();
  return record && record.origin === origin ? decrypt(record) : undefined;
}

/** @param {VaultRecord} record */
async function decrypt(record) {
  const key = await recordKey(record);
  if (!key) throw configurationError("The API key is locked.", "Enter your passphrase to unlock it.");
  try {
    return decoder.decode(await open(key, record.sealed, record.origin));
  } catch {
    throw configurationError("The stored API key cannot be read any more.", "Enter the key again in the settings.");
  }
}

/**
 * Change the key, its passphrase, or both. Undefined leaves as it is, "" removes. A new key keeps the passphrase that is set.
 * Throws a `UserError`, with nothing changed, when that is impossible.
 * @param {string} origin  Whom the key is for.
 * @param {string | undefined} apiKey
 * @param {string | undefined} passphrase
 */
export async function changeVault(origin, apiKey, passphrase) {
  if (apiKey === "") return removeKey();
  if (apiKey === undefined && passphrase === undefined) return;
  const record = await readRecord();
  if (passphrase && passphrase.length < MIN_PASSPHRASE) {
    throw configurationError("Passphrase: it is too short.", `Use at least ${MIN_PASSPHRASE} characters.`);
  }
  if (apiKey === undefined && record?.origin !== origin) {
    if (!passphrase) return;
    throw configurationError(
      "Passphrase: there is no API key to protect.",
      "Enter the API key as well, or leave the passphrase empty.",
    );
  }
  const secret = encoder.encode(apiKey ?? (await decrypt(/** @type {VaultRecord} */ (record))));
  if (passphrase === undefined && record?.kdf) {
    const key = await recordKey(record);
    if (!key)
      throw configurationError(
        "The API key is locked, so it cannot be replaced.",
        "Unlock it first, or set a new passphrase.",
      );
    await writeRecord({ ...record, origin, sealed: await seal(key, secret, origin) });
    return;
  }
  if (!passphrase) {
    await writeRecord({ version: 1, origin, sealed: await seal(await deviceKey(), secret, origin) });
    await chrome.storage.session.remove(UNLOCKED);
    return;
  }
  const kdf = { salt: toBase64(crypto.getRandomValues(new Uint8Array(16))), iterations: ITERATIONS };
  const bits = await derive(passphrase, kdf);
  /** @type {VaultRecord} */
  const wrapped = { version: 1, origin, sealed: await seal(await importAes(bits), secret, origin), kdf };
  await writeRecord(wrapped);
  await rememberUnlocked(wrapped, bits);
}

/** @param {VaultRecord} record */
const writeRecord = (record) => chrome.storage.local.set({ [RECORD]: record });

async function removeKey() {
  await chrome.storage.local.remove(RECORD);
  await chrome.storage.session.remove(UNLOCKED);
}

/**
 * Unlock until the browser ends. Throws a `UserError` for a wrong passphrase.
 * @param {string} passphrase
 */
export async function unlock(passphrase) {
  const record = await readRecord();
  if (!record?.kdf) return;
  const bits = await derive(passphrase, record.kdf);
  try {
    await open(await importAes(bits), record.sealed, record.origin);
  } catch {
    throw configurationError(
      "This passphrase is wrong.",
      "Try again. If it is lost, enter the API key anew in the settings.",
    );
  }
  await rememberUnlocked(record, bits);
}
