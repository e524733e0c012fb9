/** Who answers: the active profile or another one, with its secret, and what the pages are shown of that. */

import { configurationError } from "../../shared/errors.js";
import { text } from "../../shared/text.js";
import { DEMO } from "../paths.js";
import { describeSignIn } from "./auth-json.js";
import { checkKey, checkSettings, requireOwnSecret } from "./profile-checks.js";
import { activeOf, inTurn, ownerOf, readState } from "./profile-store.js";
import { providerTools } from "./provider-tools.js";
import * as vault from "./vault.js";

/** @import { Profile, ProfileView, ProviderView, Settings } from "../../shared/protocol.js" */
/** @import { Secret } from "./vault.js" */

/**
 * @typedef {{name: string, base_url: string, model: string, wire_api?: "responses" | "chat"}} Demo
 * @typedef {{settings: Settings, api_key?: string, auth_json?: string, profile_id?: string}} Connection
 *   All that a request needs. Goes to Python and nowhere else.
 * @typedef {{profiles: ProfileView[], active: string | null, protected: boolean, locked: boolean, demo: boolean}}
 *   Description
 */

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
 * What the next turn's request needs, of a profile or ("") of the active one. Throws a `UserError` when there is none
 * yet, it is gone, or the key is locked.
 */
export const connectionOf = inTurn(async (/** @type {string} */ id) => {
  const state = await readState();
  const profile = id ? state.profiles.find((other) => other.id === id) : activeOf(state);
  if (profile) return withSecret(profile.settings, profile.id, await vault.readSecret(ownerOf(profile)));
  if (id) throw configurationError(text("provider_gone"), text("provider_choose_another"));
  const demo = await loadDemo();
  if (!demo) throw configurationError(text("provider_none"), text("provider_set_up"));
  /** @type {Connection} */
  const connection = { settings: { wire_api: "responses", ...demo, preset: "custom" } };
  return connection;
});

/**
 * What a trial of unsaved settings needs. Without a key, that of the profile is used (undefined: of the active one,
 * null: of none), if it belongs to the same origin.
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

/** @type {Promise<Demo | null> | undefined} */
let demo;

/** The demo provider, where this copy of the extension has one. */
function loadDemo() {
  demo ??= fetch(DEMO)
    .then((response) => (response.ok ? response.json() : null))
    .then((data) => data && { name: text("provider_demo"), ...data })
    .catch(() => null);
  return /** @type {Promise<Demo | null>} */ (demo);
}
