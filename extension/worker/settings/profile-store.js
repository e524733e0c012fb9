/**
 * The provider profiles in `chrome.storage.local`, and the order in which they are changed: whatever changes them reads
 * first and writes then, so one change begins when the one before it is done.
 */

import { configurationError } from "../../shared/errors.js";
import { text } from "../../shared/text.js";
import * as vault from "./vault.js";

/** @import { Profile, Settings } from "../../shared/protocol.js" */
/** @import { Owner } from "./vault.js" */

/**
 * The active profile is among the profiles, and null only without any. What cannot be read stays as it is stored.
 * @typedef {{profiles: Profile[], active: string | null, unreadable?: unknown[]}} State
 */

const PROFILES = "profiles";
const ACTIVE = "active_profile";
/** Where the only settings stood before there were profiles. */
const FIRST_SETTINGS = "settings";
/** The first profile's id. It is fixed, so that a migration which is begun twice gives the same. */
export const FIRST_ID = "1";

/** @type {Promise<unknown>} */
let last = Promise.resolve();

/**
 * Lets work that reads and then changes what is stored begin only when the work before it is done.
 * @template {unknown[]} A
 * @template T
 * @param {(...args: A) => Promise<T>} work
 * @returns {(...args: A) => Promise<T>}
 */
export function inTurn(work) {
  return (...args) => {
    const result = last.then(() => work(...args));
    last = result.catch(() => {});
    return result;
  };
}

/** Runs what must not meet any change of the settings half-way. */
export const exclusively = inTurn((/** @type {() => Promise<void>} */ work) => work());

/** @returns {Promise<State>} */
export async function readState() {
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
export const writeState = ({ profiles, active, unreadable = [] }) =>
  chrome.storage.local.set({ [PROFILES]: [...profiles, ...unreadable], [ACTIVE]: active });

/** @param {State} state */
export const activeOf = ({ profiles, active }) => profiles.find(({ id }) => id === active);

/** @param {Profile} profile @returns {Owner} */
export const ownerOf = ({ id, settings }) => ({ id, origin: originOf(settings) });

/** @param {State} state */
export const newId = ({ profiles }) => (profiles.length > 0 ? crypto.randomUUID() : FIRST_ID);

/**
 * @param {State} state
 * @param {unknown} id
 * @returns {Profile}
 */
export function profileOf({ profiles }, id) {
  const profile = profiles.find((each) => each.id === id);
  if (!profile) throw configurationError(text("profile_gone"), text("error_reload_this_page"));
  return profile;
}

/**
 * A profile in its place, or behind the others. The first one becomes the active one.
 * @param {State} state
 * @param {Profile} profile
 * @returns {State}
 */
export function withProfile({ profiles, active, ...rest }, profile) {
  const isNew = !profiles.some(({ id }) => id === profile.id);
  return {
    profiles: isNew ? [...profiles, profile] : profiles.map((each) => (each.id === profile.id ? profile : each)),
    active: active ?? profile.id,
    ...rest,
  };
}

/** @param {Pick<Settings, "base_url">} settings */
export const originOf = (settings) => new URL(settings.base_url).origin;
