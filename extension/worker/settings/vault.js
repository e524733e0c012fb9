/**
 * The secrets of the provider profiles, at rest and in use: an API key, or the tokens of a ChatGPT sign-in.
 *
 * At rest each is a ciphertext (AES-GCM) in `chrome.storage.local`, bound to its profile and to the origin that it is
 * for: it does not decrypt for another one. The encrypting key is a WebCrypto key in IndexedDB that cannot be exported,
 * or, with a passphrase, one derived from that (PBKDF2, SHA-256), the same for all secrets. The derived key lives in
 * `chrome.storage.session` while unlocked, itself encrypted under the first one.
 *
 * Only the service worker imports this module, and only {@link readSecret} gives a secret away: to the request that
 * needs it.
 */

import { configurationError } from "../../shared/errors.js";
import { passphraseProblem, settingError } from "../../shared/profile-schema.js";
import { deviceKey } from "./device-key.js";

const ITERATIONS = 600_000;
export const RECORD = "vault";
const UNLOCKED = "vault_unlocked";

/**
 * @typedef {{iv: string, data: string}} Sealed  Base64.
 * @typedef {{salt: string, iterations: number}} Kdf
 * @typedef {"api_key" | "sign_in"} SecretKind
 * @typedef {{origin: string, kind: SecretKind, sealed: Sealed, version?: 1}} Entry  One secret. With version 1 it is
 *   bound to its origin alone.
 * @typedef {{version: 2, entries: Record<string, Entry>, kdf?: Kdf}} VaultRecord  Entries by the profile's id; never
 *   without any.
 * @typedef {{version: 1, origin: string, sealed: Sealed, kdf?: Kdf}} FirstVaultRecord  As it was with a single key.
 * @typedef {{kind: SecretKind, text: string}} Secret
 * @typedef {{id: string, origin: string}} Owner  A profile's id, and the origin of its base URL.
 * @typedef {object} VaultState
 * @property {boolean} protected  A passphrase is set.
 * @property {boolean} locked
 * @property {(owner: Owner) => SecretKind | undefined} kindOf  What is stored for a profile and its origin.
 * @property {(id: string) => string | undefined} originOf  Whom a profile's secret is for.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @param {Uint8Array} bytes */
const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

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

/** @param {string} id @param {Entry} entry */
const purposeOf = (id, { version, origin, kind }) => (version === 1 ? origin : `${kind} ${id} ${origin}`);

/**
 * A record of the first version, with its key given to a profile. Nothing is decrypted: that has time until it is
 * unlocked.
 * @param {FirstVaultRecord | VaultRecord} record
 * @param {string} id
 * @returns {VaultRecord}
 */
export function upgradeRecord(record, id) {
  if (record.version !== 1) return record;
  const { origin, sealed, kdf } = record;
  return { version: 2, entries: { [id]: { version: 1, origin, kind: "api_key", sealed } }, ...(kdf ? { kdf } : {}) };
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
 * The key that the record's ciphertexts are under; undefined while locked.
 * @param {VaultRecord} record
 */
async function recordKey(record) {
  if (!record.kdf) return deviceKey();
  const bits = await unlockedBits(record);
  return bits && importAes(bits);
}

/**
 * What is stored for whom, and whether it can be used now.
 * @returns {Promise<VaultState>}
 */
export async function vaultState() {
  const record = await readRecord();
  const entries = record?.entries ?? {};
  return {
    protected: Boolean(record?.kdf),
    locked: record?.kdf ? !(await unlockedBits(record)) : false,
    kindOf: ({ id, origin }) => (entries[id]?.origin === origin ? entries[id].kind : undefined),
    originOf: (id) => entries[id]?.origin,
  };
}

/**
 * A profile's secret, for immediate use; undefined when none is stored for its origin.
 * Throws a `UserError` when it is locked or cannot be read any more.
 * @param {Owner} owner
 * @returns {Promise<Secret | undefined>}
 */
export async function readSecret({ id, origin }) {
  const record = await readRecord();
  const entry = record?.entries[id];
  if (!record || entry?.origin !== origin) return undefined;
  const key = await recordKey(record);
  if (!key) throw configurationError("The API key is locked.", "Enter your passphrase to unlock it.");
  return { kind: entry.kind, text: await decrypt(key, id, entry) };
}

/** @param {CryptoKey} key @param {string} id @param {Entry} entry */
async function decrypt(key, id, entry) {
  try {
    return decoder.decode(await open(key, entry.sealed, purposeOf(id, entry)));
  } catch {
    if (entry.kind === "sign_in")
      throw configurationError("The stored sign-in cannot be read any more.", "Import the Codex auth.json again.");
    throw configurationError("The stored API key cannot be read any more.", "Enter the key again in the settings.");
  }
}

/**
 * @param {CryptoKey} key
 * @param {Owner} owner
 * @param {Secret} secret
 * @returns {Promise<Entry>}
 */
async function makeEntry(key, { id, origin }, { kind, text }) {
  /** @type {Entry} */
  const entry = { origin, kind, sealed: { iv: "", data: "" } };
  return { ...entry, sealed: await seal(key, encoder.encode(text), purposeOf(id, entry)) };
}

/**
 * Store a profile's secret in place of the one that it had. It is protected like the others.
 * Throws a `UserError`, with nothing changed, when that is impossible.
 * @param {Owner} owner
 * @param {Secret} secret
 */
export async function storeSecret(owner, secret) {
  const record = (await readRecord()) ?? { version: 2, entries: {} };
  const key = await recordKey(record);
  if (!key)
    throw configurationError(
      "The API key is locked, so it cannot be replaced.",
      "Unlock it first, or set a new passphrase.",
    );
  await writeRecord({ ...record, entries: { ...record.entries, [owner.id]: await makeEntry(key, owner, secret) } });
}

/**
 * Write new tokens over those that they were made of. If these are no longer there (removed, or replaced by another
 * sign-in), nothing happens.
 * @param {string} id
 * @param {string} before
 * @param {string} after
 */
export async function renewSecret(id, before, after) {
  const entry = (await readRecord())?.entries[id];
  if (entry?.kind !== "sign_in") return;
  const owner = { id, origin: entry.origin };
  if ((await readSecret(owner))?.text === before) await storeSecret(owner, { kind: "sign_in", text: after });
}

/**
 * Works while locked, too. Without any secret there is no passphrase either.
 * @param {string} id
 */
export async function removeSecret(id) {
  const record = await readRecord();
  if (!record?.entries[id]) return;
  const { [id]: _removed, ...entries } = record.entries;
  if (Object.keys(entries).length > 0) return writeRecord({ ...record, entries });
  await chrome.storage.local.remove(RECORD);
  await chrome.storage.session.remove(UNLOCKED);
}

/**
 * Set, change or ("") remove the passphrase, and store a profile's secret in the same step where one is given.
 * Throws a `UserError`, with nothing changed, when that is impossible.
 * @param {string} passphrase
 * @param {Owner} owner
 * @param {Secret} [secret]
 */
export async function changePassphrase(passphrase, owner, secret) {
  const problem = passphraseProblem(passphrase);
  if (problem) throw settingError(problem);
  const record = await readRecord();
  if (!record && !secret) {
    if (!passphrase) return;
    throw settingError({
      field: "passphrase",
      code: "no_key",
      message: "There is no API key to protect.",
      hint: "Enter the API key as well, or leave the passphrase empty.",
    });
  }
  const kept = Object.entries(record?.entries ?? {}).filter(([id]) => !secret || id !== owner.id);
  const oldKey = record && (await recordKey(record));
  // A lost passphrase can be left behind with the key that was under it, but not with those of other profiles.
  if (kept.length > 0 && !oldKey) {
    throw configurationError(
      "The stored keys are locked, so their passphrase cannot be changed.",
      "Unlock them in the panel. If the passphrase is lost, remove the keys of the other profiles first.",
    );
  }
  /** @type {Kdf | undefined} */
  const kdf = passphrase
    ? { salt: toBase64(crypto.getRandomValues(new Uint8Array(16))), iterations: ITERATIONS }
    : undefined;
  const bits = kdf && (await derive(passphrase, kdf));
  const newKey = bits ? await importAes(bits) : await deviceKey();
  /** @type {Record<string, Entry>} */
  const entries = {};
  for (const [id, entry] of kept) {
    const text = await decrypt(/** @type {CryptoKey} */ (oldKey), id, entry);
    entries[id] = await makeEntry(newKey, { id, origin: entry.origin }, { kind: entry.kind, text });
  }
  if (secret) entries[owner.id] = await makeEntry(newKey, owner, secret);
  /** @type {VaultRecord} */
  const changed = { version: 2, entries, ...(kdf ? { kdf } : {}) };
  await writeRecord(changed);
  if (bits) await rememberUnlocked(changed, bits);
  else await chrome.storage.session.remove(UNLOCKED);
}

/** @param {VaultRecord} record */
const writeRecord = (record) => chrome.storage.local.set({ [RECORD]: record });

/**
 * Unlock until the browser ends. Throws a `UserError` for a wrong passphrase.
 * @param {string} passphrase
 */
export async function unlock(passphrase) {
  const record = await readRecord();
  if (!record?.kdf) return;
  const bits = await derive(passphrase, record.kdf);
  const key = await importAes(bits);
  const opened = await Promise.allSettled(
    Object.entries(record.entries).map(([id, entry]) => open(key, entry.sealed, purposeOf(id, entry))),
  );
  if (!opened.some(({ status }) => status === "fulfilled")) {
    throw configurationError(
      "This passphrase is wrong.",
      "Try again. If it is lost, enter the API key anew in the settings.",
    );
  }
  await rememberUnlocked(record, bits);
  await renewBinding();
}

/** Binds what came from the first version to its profile as well, as soon as it can be read. */
export async function renewBinding() {
  const record = await readRecord();
  const key = record && (await recordKey(record));
  if (!record || !key) return;
  for (const [id, entry] of Object.entries(record.entries)) {
    if (entry.version !== 1) continue;
    const text = await decrypt(key, id, entry).catch(() => undefined);
    if (text === undefined) continue;
    record.entries[id] = await makeEntry(key, { id, origin: entry.origin }, { kind: entry.kind, text });
    await writeRecord(record);
  }
}
