/**
 * The secrets of the provider profiles: API keys, and the tokens of ChatGPT sign-ins.
 *
 * Each secret is stored as a ciphertext (AES-GCM) in `chrome.storage.local`. The ciphertext is bound to the profile and
 * to the origin that the secret is for, so it cannot be decrypted for another one. The encrypting key is a WebCrypto
 * key in IndexedDB that cannot be exported. With a passphrase it is a key that is derived from the passphrase instead
 * (PBKDF2, SHA-256), the same for all secrets. While the vault is unlocked, the derived key is kept in
 * `chrome.storage.session`, encrypted under the WebCrypto key.
 *
 * Only the service worker imports this module, and only {@link readSecret} returns a secret, for the request that needs
 * it.
 */

import { configurationError } from "../../shared/errors.js";
import { passphraseProblem, settingError } from "../../shared/profile-schema.js";
import { text } from "../../shared/text.js";
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
 * @typedef {{version: 2, entries: Record<string, Entry>, kdf?: Kdf}} VaultRecord  Entries by the profile's id. There
 *   is no record without entries.
 * @typedef {{version: 1, origin: string, sealed: Sealed, kdf?: Kdf}} FirstVaultRecord  The first
 *   format, which held a single key.
 * @typedef {{kind: SecretKind, text: string}} Secret
 * @typedef {{id: string, origin: string}} Owner  A profile's id, and the origin of its base URL.
 * @typedef {object} VaultState
 * @property {boolean} protected  A passphrase is set.
 * @property {boolean} locked
 * @property {(owner: Owner) => SecretKind | undefined} kindOf  What is stored for a profile and its origin.
 * @property {(id: string) => string | undefined} originOf  The origin that a profile's secret is for.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @param {Uint8Array} bytes */
const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** @param {string} base64 */
const fromBase64 = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

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
 * Turns a record of the first version into the current one, whose key belongs to a profile. Nothing is decrypted, since
 * the vault may be locked.
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
  // A key that belongs to an earlier passphrase cannot be decrypted.
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
 * Which secrets are stored for which profiles, and whether they can be used now.
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
 * Throws a `UserError` when the secret is locked, or can no longer be decrypted.
 * @param {Owner} owner
 * @returns {Promise<Secret | undefined>}
 */
export async function readSecret({ id, origin }) {
  const record = await readRecord();
  const entry = record?.entries[id];
  if (!record || entry?.origin !== origin) return undefined;
  const key = await recordKey(record);
  if (!key) throw configurationError(text("key_locked"), text("key_unlock"));
  return { kind: entry.kind, text: await decrypt(key, id, entry) };
}

/** @param {CryptoKey} key @param {string} id @param {Entry} entry */
async function decrypt(key, id, entry) {
  try {
    return decoder.decode(await open(key, entry.sealed, purposeOf(id, entry)));
  } catch {
    if (entry.kind === "sign_in") throw configurationError(text("sign_in_unreadable"), text("sign_in_import_again"));
    throw configurationError(text("key_unreadable"), text("key_enter_again"));
  }
}

/**
 * @param {CryptoKey} key
 * @param {Owner} owner
 * @param {Secret} secret
 * @returns {Promise<Entry>}
 */
async function makeEntry(key, { id, origin }, { kind, text: secretText }) {
  /** @type {Entry} */
  const entry = { origin, kind, sealed: { iv: "", data: "" } };
  return { ...entry, sealed: await seal(key, encoder.encode(secretText), purposeOf(id, entry)) };
}

/**
 * Stores a profile's secret in place of its earlier one, under the same key as the others.
 * Throws a `UserError`, with nothing changed, when that is impossible.
 * @param {Owner} owner
 * @param {Secret} secret
 */
export async function storeSecret(owner, secret) {
  const record = (await readRecord()) ?? { version: 2, entries: {} };
  const key = await recordKey(record);
  if (!key) throw configurationError(text("key_locked_not_replaced"), text("key_unlock_first"));
  await writeRecord({ ...record, entries: { ...record.entries, [owner.id]: await makeEntry(key, owner, secret) } });
}

/**
 * Replaces tokens by the new ones that were obtained with them. Nothing happens if the old ones are no longer stored,
 * because they were removed, or replaced by another sign-in.
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
 * Removes a profile's secret, also while the vault is locked. The passphrase goes with the last secret.
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
 * Sets, changes or ("") removes the passphrase, and stores a profile's secret in the same step if one is given.
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
      message: text("passphrase_no_key"),
      hint: text("passphrase_enter_key"),
    });
  }
  const kept = Object.entries(record?.entries ?? {}).filter(([id]) => !secret || id !== owner.id);
  const oldKey = record && (await recordKey(record));
  // A user who lost the passphrase may replace the only key, but the keys of other profiles must not be lost with it.
  if (kept.length > 0 && !oldKey) {
    throw configurationError(text("passphrase_keys_locked"), text("passphrase_unlock_or_remove"));
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
    const secretText = await decrypt(/** @type {CryptoKey} */ (oldKey), id, entry);
    const owned = { id, origin: entry.origin };
    entries[id] = await makeEntry(newKey, owned, { kind: entry.kind, text: secretText });
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
 * Unlocks the vault until the browser exits. Throws a `UserError` for a wrong passphrase.
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
    throw configurationError(text("passphrase_wrong"), text("passphrase_lost"));
  }
  await rememberUnlocked(record, bits);
  await renewBinding();
}

/** Binds secrets of the first version to their profiles as well, as soon as they can be decrypted. */
export async function renewBinding() {
  const record = await readRecord();
  const key = record && (await recordKey(record));
  if (!record || !key) return;
  for (const [id, entry] of Object.entries(record.entries)) {
    if (entry.version !== 1) continue;
    const secretText = await decrypt(key, id, entry).catch(() => undefined);
    if (secretText === undefined) continue;
    record.entries[id] = await makeEntry(key, { id, origin: entry.origin }, { kind: entry.kind, text: secretText });
    await writeRecord(record);
  }
}
