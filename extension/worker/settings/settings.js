/**
 * The provider profiles in `chrome.storage.local`: their settings, whether these make sense, and who answers because of them.
 *
 * What changes them reads first and writes then, so everything here runs one after the other.
 */

import { configurationError } from "../../shared/errors.js";
import { isLoopback } from "../../shared/loopback.js";
import { presetOf } from "../../shared/presets.js";
import { readApiKey, readProfile, settingError } from "../../shared/profile-schema.js";
import { DEMO } from "../paths.js";
import { describeSignIn, parseAuthJson } from "./auth-json.js";
import { providerTools } from "./provider-tools.js";
import { readSettingsFile, writeSettingsFile } from "./settings-file.js";
import * as vault from "./vault.js";

/** @import { Profile, ProfileView, ProviderView, Settings } from "../../shared/protocol.js" */
/** @import { Owner, Secret } from "./vault.js" */

/**
 * @typedef {{name: string, base_url: string, model: string, wire_api?: "responses" | "chat"}} Demo
 * @typedef {{settings: Settings, api_key?: string, auth_json?: string, profile_id?: string}} Connection
 *   All that a request needs. Goes to Python and nowhere else.
 * @typedef {{profiles: Profile[], active: string | null, unreadable?: unknown[]}} State  The active one is among the profiles, and null only without
 *   any. What cannot be read stays as it is stored.
 * @typedef {{profiles: ProfileView[], active: string | null, protected: boolean, locked: boolean, demo: boolean}} Description
 */

const PROFILES = "profiles";
const ACTIVE = "active_profile";
/** Where the only settings stood before there were profiles. */
const FIRST_SETTINGS = "settings";
/** The first profile's id. It is fixed, so that a migration which is begun twice gives the same. */
const FIRST_ID = "1";
/** The model of a profile that an `auth.json` brings. */
const FIRST_MODEL = "gpt-5.2";
const CHATGPT = firstSettings("chatgpt");
const OPENAI = firstSettings("openai");

/** @param {string} key  Of a preset. @returns {Settings} */
function firstSettings(key) {
  const { name, base_url, wire_api } = presetOf(key);
  return { preset: key, name, base_url, wire_api, model: FIRST_MODEL };
}

/** @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * @template {unknown[]} A
 * @template T
 * @param {(...args: A) => Promise<T>} work
 * @returns {(...args: A) => Promise<T>}
 */
function inTurn(work) {
  return (...args) => {
    const result = last.then(() => work(...args));
    last = result.catch(() => {});
    return result;
  };
}

/** Runs what must not meet any change of the settings half-way. */
export const exclusively = inTurn((/** @type {() => Promise<void>} */ work) => work());

// --- what is stored ----------------------------------------------------------------------------------------------------

/** @returns {Promise<State>} */
async function readState() {
  const stored = await chrome.storage.local.get([PROFILES, ACTIVE, FIRST_SETTINGS, vault.RECORD]);
  if (stored[FIRST_SETTINGS] || /** @type {any} */ (stored[vault.RECORD])?.version === 1) {
    await migrate(stored);
    return readState();
  }
  const all = /** @type {unknown[]} */ (Array.isArray(stored[PROFILES]) ? stored[PROFILES] : []);
  const profiles = /** @type {Profile[]} */ (all.filter(isReadable));
  const unreadable = all.filter((profile) => !isReadable(profile));
  const active = profiles.find(({ id }) => id === stored[ACTIVE]) ?? profiles[0];
  return { profiles, active: active?.id ?? null, ...(unreadable.length > 0 ? { unreadable } : {}) };
}

/** Whether a stored profile can be listed: one that cannot must not take the others along. @param {any} profile */
function isReadable(profile) {
  const { name, model, base_url, wire_api } = profile?.settings ?? {};
  return [profile?.id, name, model, wire_api].every((each) => typeof each === "string") && URL.canParse(base_url);
}

/**
 * From a single provider with a single key to profiles.
 * @param {Record<string, any>} stored
 */
async function migrate({ [FIRST_SETTINGS]: settings, [PROFILES]: profiles, [vault.RECORD]: record }) {
  const first = settings ? [{ id: FIRST_ID, settings }] : [];
  await chrome.storage.local.set({
    ...(profiles ? {} : { [PROFILES]: first, [ACTIVE]: FIRST_ID }),
    ...(record ? { [vault.RECORD]: vault.upgradeRecord(record, FIRST_ID) } : {}),
  });
  await chrome.storage.local.remove(FIRST_SETTINGS);
  await vault.renewBinding();
}

/** @param {State} state */
const writeState = ({ profiles, active, unreadable = [] }) =>
  chrome.storage.local.set({ [PROFILES]: [...profiles, ...unreadable], [ACTIVE]: active });

/** @param {State} state */
const activeOf = ({ profiles, active }) => profiles.find(({ id }) => id === active);

/** @param {Profile} profile @returns {Owner} */
const ownerOf = ({ id, settings }) => ({ id, origin: originOf(settings) });

/** @param {State} state */
const newId = ({ profiles }) => (profiles.length > 0 ? crypto.randomUUID() : FIRST_ID);

/**
 * @param {State} state
 * @param {unknown} id
 * @returns {Profile}
 */
function profileOf({ profiles }, id) {
  const profile = profiles.find((each) => each.id === id);
  if (!profile) throw configurationError("This profile is not there any more.", "Load the page again.");
  return profile;
}

/**
 * A profile in its place, or behind the others. The first one becomes the active one.
 * @param {State} state
 * @param {Profile} profile
 * @returns {State}
 */
function withProfile({ profiles, active, ...rest }, profile) {
  const isNew = !profiles.some(({ id }) => id === profile.id);
  return {
    profiles: isNew ? [...profiles, profile] : profiles.map((each) => (each.id === profile.id ? profile : each)),
    active: active ?? profile.id,
    ...rest,
  };
}

// --- changes -----------------------------------------------------------------------------------------------------------

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

/** Takes what a Codex `auth.json` holds: a ChatGPT sign-in, an API key, or both. Gives the ids of the profiles that have it now. */
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
 * The profile whose sign-in a new one of the same account replaces; one that has none, or whose own cannot be read, takes any.
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
 * Adds the profiles of such a file that are not there yet. `added`: how many, `of` how many; `left_out` names the headers and query parameters of the
 * file that may be secret and were not taken. Where a new profile has instructions that the user has not seen yet (`isSeen`), nothing
 * is added, and `brings` has the new profiles.
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

// --- who answers -------------------------------------------------------------------------------------------------------

/** All that the options page shows. */
export const describeSettings = inTurn(async () => {
  const { profiles, active } = await readState();
  const { protected: isProtected, locked, kindOf } = await vault.vaultState();
  /** @param {Profile} profile @returns {Promise<ProfileView>} */
  const view = async (profile) => {
    const kind = kindOf(ownerOf(profile));
    const described = { ...profile, has_key: kind === "api_key" };
    return kind === "sign_in" ? { ...described, sign_in: await signInOf(profile) } : described;
  };
  /** @type {Description} */
  const description = {
    profiles: await Promise.all(profiles.map(view)),
    active,
    protected: isProtected,
    locked,
    demo: profiles.length === 0 && (await loadDemo()) !== null,
  };
  return description;
});

/** @param {Profile} profile */
async function signInOf(profile) {
  const secret = await vault.readSecret(ownerOf(profile)).catch(() => undefined);
  return secret ? describeSignIn(secret.text) : {};
}

/** Who answers, as the panel shows it. */
export const providerView = inTurn(async () => {
  const state = await readState();
  const profile = activeOf(state);
  if (profile) {
    const { locked, kindOf } = await vault.vaultState();
    const { name, model } = profile.settings;
    const profiles = state.profiles.map(({ id, settings }) => ({
      id,
      name: settings.name,
      model: settings.model,
      tools: providerTools(settings),
    }));
    const isLocked = locked && kindOf(ownerOf(profile)) !== undefined;
    /** @type {ProviderView} */
    const view = { configured: true, demo: false, locked: isLocked, name, model, profiles, active: profile.id };
    return view;
  }
  const demo = await loadDemo();
  /** @type {ProviderView} */
  const view = {
    configured: Boolean(demo),
    demo: Boolean(demo),
    locked: false,
    name: demo?.name ?? "",
    model: demo?.model ?? "",
    profiles: [],
    active: null,
  };
  return view;
});

/**
 * What the next turn's request needs, of a profile or ("") of the active one. Throws a `UserError` when there is none yet, it is gone, or the
 * key is locked.
 */
export const connectionOf = inTurn(async (/** @type {string} */ id) => {
  const state = await readState();
  const profile = id ? state.profiles.find((other) => other.id === id) : activeOf(state);
  if (profile) return withSecret(profile.settings, profile.id, await vault.readSecret(ownerOf(profile)));
  if (id)
    throw configurationError(
      "The provider that was chosen for this conversation is no longer in the settings.",
      "Choose another one in the conversation's settings.",
    );
  const demo = await loadDemo();
  if (!demo)
    throw configurationError(
      "No provider is set up yet.",
      "Open the settings, choose a provider and enter its API key.",
    );
  /** @type {Connection} */
  const connection = { settings: { wire_api: "responses", ...demo, preset: "custom" } };
  return connection;
});

/**
 * What a trial of unsaved settings needs. Without a key, that of the profile is used (undefined: of the active one, null: of none),
 * if it belongs to the same origin.
 */
export const trialConnection = inTurn(
  async (
    /** @type {unknown} */ settings,
    /** @type {string | undefined} */ apiKey,
    /** @type {string | null | undefined} */ profileId,
    /** @type {{modelNeeded?: boolean}} */ { modelNeeded = false } = {},
  ) => {
    const checked = checkSettings(settings, { modelNeeded });
    const key = checkKey(apiKey);
    const state = await readState();
    const id = profileId === undefined ? state.active : profileId;
    if (key !== undefined || id === null)
      return withSecret(checked, undefined, key ? { kind: "api_key", text: key } : undefined);
    const owner = ownerOf({ id, settings: checked });
    await requireOwnSecret(owner);
    return withSecret(checked, id, await vault.readSecret(owner));
  },
);

/**
 * @param {Settings} settings
 * @param {string | undefined} id
 * @param {Secret | undefined} secret
 * @returns {Connection}
 */
function withSecret(settings, id, secret) {
  if (!secret) return { settings };
  return secret.kind === "sign_in"
    ? { settings, auth_json: secret.text, profile_id: id }
    : { settings, api_key: secret.text };
}

/** @param {Pick<Settings, "base_url">} settings */
export const originOf = (settings) => new URL(settings.base_url).origin;

/**
 * A stored key never goes to another origin than it was entered for. Local servers usually need none, so they may go without.
 * @param {Owner} owner
 */
async function requireOwnSecret({ id, origin }) {
  const stored = (await vault.vaultState()).originOf(id);
  if (stored === undefined || stored === origin || isLoopback(new URL(origin).hostname)) return;
  throw settingError({
    field: "api_key",
    code: "other_origin",
    message: `The stored key belongs to ${stored} and is not sent to ${origin}.`,
    hint: `Enter the key for ${origin}, or remove the stored key if none is needed there.`,
  });
}

/** @type {Promise<Demo | null> | undefined} */
let demo;

/** The demo provider, where this copy of the extension has one. */
function loadDemo() {
  demo ??= fetch(DEMO)
    .then((response) => (response.ok ? response.json() : null))
    .then((data) => data && { name: "Demo", ...data })
    .catch(() => null);
  return /** @type {Promise<Demo | null>} */ (demo);
}

// --- checks ------------------------------------------------------------------------------------------------------------

/**
 * The settings without anything unknown, or a `UserError` that names the field.
 * @param {unknown} value
 * @param {{modelNeeded?: boolean}} [options]
 * @returns {Settings}
 */
export function checkSettings(value, options) {
  const { settings, problems } = readProfile(value, options);
  if (problems.length > 0) throw settingError(problems[0]);
  return settings;
}

/** @param {unknown} value */
function checkKey(value) {
  const { key, problem } = readApiKey(value);
  if (problem) throw settingError(problem);
  return key;
}
