/** Changes of the provider profiles: saved, removed, activated, imported and exported. */

import { presetOf } from "../../shared/presets.js";
import { describeSignIn, parseAuthJson } from "./auth-json.js";
import { checkKey, checkSettings, requireOwnSecret } from "./profile-checks.js";
import {
  FIRST_ID,
  inTurn,
  newId,
  originOf,
  ownerOf,
  profileOf,
  readState,
  withProfile,
  writeState,
} from "./profile-store.js";
import { readSettingsFile, writeSettingsFile } from "./settings-file.js";
import * as vault from "./vault.js";

/** @import { Profile, Settings } from "../../shared/protocol.js" */
/** @import { State } from "./profile-store.js" */
/** @import { Secret } from "./vault.js" */

const CHATGPT = firstSettings("chatgpt");
const OPENAI = firstSettings("openai");

/** The settings of a profile that an `auth.json` brings. @param {string} key  Of a preset. @returns {Settings} */
function firstSettings(key) {
  const { name, base_url, wire_api, model = "" } = presetOf(key);
  return { preset: key, name, base_url, wire_api, model };
}

/**
 * Check and store. Nothing is stored unless all of it can be. Gives the profile's id.
 * @param {State} state
 * @param {string} id
 * @param {unknown} settings
 * @param {string | undefined} apiKey  See `Request` in `protocol.js`.
 * @param {string | undefined} passphrase
 */
async function save(state, id, settings, apiKey, passphrase) {
  const profile = { id, settings: checkSettings(settings) };
  const key = checkKey(apiKey);
  const owner = ownerOf(profile);
  /** @type {Secret | undefined} */
  const secret = key ? { kind: "api_key", text: key } : undefined;
  if (key === undefined) await requireOwnSecret(owner);
  if (key === "") await vault.removeSecret(id);
  else if (passphrase !== undefined) await vault.changePassphrase(passphrase, owner, secret);
  else if (secret) await vault.storeSecret(owner, secret);
  await writeState(withProfile(state, profile));
  return id;
}

/** Saves the profile of that id, or a new one. */
export const saveProfile = inTurn(
  async (
    /** @type {{id?: string, settings: unknown}} */ profile,
    /** @type {string | undefined} */ apiKey,
    /** @type {string | undefined} */ passphrase,
  ) => {
    const state = await readState();
    const id = profile?.id === undefined ? newId(state) : profileOf(state, profile.id).id;
    return save(state, id, profile?.settings, apiKey, passphrase);
  },
);

/** Removes a profile with its secret. */
export const removeProfile = inTurn(async (/** @type {string} */ id) => {
  const state = await readState();
  const { id: removed } = profileOf(state, id);
  await vault.removeSecret(removed);
  const profiles = state.profiles.filter((profile) => profile.id !== removed);
  const active = state.active === removed ? (profiles[0]?.id ?? null) : state.active;
  await writeState({ ...state, profiles, active });
});

/** From now on this profile answers. */
export const activateProfile = inTurn(async (/** @type {string} */ id) => {
  const state = await readState();
  await writeState({ ...state, active: profileOf(state, id).id });
});

export const unlock = inTurn(async (/** @type {string} */ passphrase) => {
  await readState();
  await vault.unlock(passphrase);
});

/** Keeps the tokens that were made of `before`. */
export const saveTokens = inTurn(
  (/** @type {string} */ id, /** @type {string} */ before, /** @type {string} */ after) =>
    vault.renewSecret(id, before, after),
);

/**
 * Takes what a Codex `auth.json` holds: a ChatGPT sign-in, an API key, or both. Gives the ids of the profiles that have
 * it now.
 */
export const importAuthJson = inTurn(async (/** @type {unknown} */ text) => {
  const { signIn, apiKey } = parseAuthJson(text);
  let state = await readState();
  /** @type {string[]} */
  const ids = [];
  /** @param {Profile} profile @param {Secret} secret */
  const keep = async (profile, secret) => {
    await vault.storeSecret(ownerOf(profile), secret);
    state = withProfile(state, profile);
    await writeState(state);
    ids.push(profile.id);
  };
  if (signIn) {
    const same = await profileOfAccount(state, describeSignIn(signIn).account);
    const profile = same ?? { id: newId(state), settings: { ...CHATGPT, name: freeName(state, CHATGPT.name) } };
    await keep(profile, { kind: "sign_in", text: signIn });
  }
  if (apiKey) {
    const { profiles } = state;
    const { kindOf } = await vault.vaultState();
    const keyless = profiles.find((each) => originOf(each.settings) === originOf(OPENAI) && !kindOf(ownerOf(each)));
    const profile = keyless ?? { id: newId(state), settings: { ...OPENAI, name: freeName(state, OPENAI.name) } };
    await keep(profile, { kind: "api_key", text: /** @type {string} */ (checkKey(apiKey)) });
  }
  return ids;
});

/**
 * The profile whose sign-in a new one of the same account replaces; one that has none, or whose own cannot be read,
 * takes any.
 * @param {State} state
 * @param {string | undefined} account
 */
async function profileOfAccount({ profiles }, account) {
  for (const profile of profiles.filter(({ settings }) => originOf(settings) === originOf(CHATGPT))) {
    const secret = await vault.readSecret(ownerOf(profile)).catch(() => undefined);
    if (!secret || (secret.kind === "sign_in" && describeSignIn(secret.text).account === account)) return profile;
  }
  return undefined;
}

/** @param {State} state @param {string} name */
function freeName({ profiles }, name) {
  const taken = new Set(profiles.map(({ settings }) => settings.name));
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name} ${number}`;
  return free;
}

/** All profiles as a file, without anything secret. */
export const exportSettings = inTurn(async () => {
  const { profiles, active } = await readState();
  const settings = profiles.map((profile) => profile.settings);
  return writeSettingsFile(
    settings,
    profiles.findIndex(({ id }) => id === active),
  );
});

/**
 * Adds the profiles of such a file that are not there yet. `added`: how many, `of` how many; `left_out` names the
 * headers and query parameters of the file that may be secret and were not taken. Where a new profile has instructions
 * that the user has not seen yet (`isSeen`), nothing is added, and `brings` has the new profiles.
 */
export const importSettings = inTurn(async (/** @type {unknown} */ text, /** @type {boolean} */ isSeen = false) => {
  const { settings: given, active, left_out } = readSettingsFile(text);
  const settings = given.map((each) => checkSettings(each));
  const before = await readState();
  const known = new Map(before.profiles.map((profile) => [textOf(profile.settings), profile.id]));
  /** @type {Profile[]} */
  const added = [];
  const ids = settings.map((each) => {
    const same = textOf(each);
    const id = known.get(same) ?? (before.profiles.length + added.length > 0 ? crypto.randomUUID() : FIRST_ID);
    if (!known.has(same)) added.push({ id, settings: each });
    known.set(same, id);
    return id;
  });
  /** @type {{added: number, of: number, left_out?: string[], brings?: Settings[]}} */
  const counts = { added: added.length, of: settings.length, ...(left_out.length > 0 ? { left_out } : {}) };
  const brings = added.map((profile) => profile.settings);
  if (!isSeen && brings.some(({ instructions }) => instructions)) return { ...counts, added: 0, brings };
  const profiles = [...before.profiles, ...added];
  const first = ids[active] ?? ids[0];
  await writeState({ ...before, profiles, active: before.profiles.length > 0 ? before.active : first });
  return counts;
});

/** Stored objects come back with their names in another order. @param {Settings} settings */
const textOf = (settings) => writeSettingsFile([settings], 0).text;
