/** The user's settings in `chrome.storage.local`, whether they make sense, and who answers because of them. */

import { configurationError } from "./errors.js";
import { DEMO } from "./paths.js";
import { changeVault, readKey, vaultState } from "./vault.js";

/** @import { ProviderView, Settings } from "../protocol.js" */

/**
 * @typedef {{name: string, base_url: string, model: string, wire_api?: "responses" | "chat"}} Demo
 * @typedef {{settings: Settings, api_key?: string}} Connection  All that a request needs. Goes to Python and nowhere else.
 */

const SETTINGS = "settings";
const PRESETS = ["openai", "azure", "chatgpt", "openrouter", "ollama", "lmstudio", "llamacpp", "vllm", "custom"];
const OPTIONAL_MAPS = /** @type {const} */ (["http_headers", "query_params"]);

/** @returns {Promise<Settings | null>} */
export async function loadSettings() {
  const { [SETTINGS]: settings } = await chrome.storage.local.get(SETTINGS);
  return /** @type {Settings | undefined} */ (settings) ?? null;
}

/**
 * Check and store. Nothing is stored unless all of it can be.
 * @param {unknown} settings
 * @param {string | undefined} apiKey  See `Request` in `protocol.js`.
 * @param {string | undefined} passphrase
 */
export async function saveSettings(settings, apiKey, passphrase) {
  const checked = checkSettings(settings);
  const key = checkKey(apiKey);
  const origin = originOf(checked);
  if (key === undefined) await requireOwnKey(origin);
  await changeVault(origin, key, passphrase);
  await chrome.storage.local.set({ [SETTINGS]: checked });
}

/**
 * Who answers, as the panel shows it.
 * @returns {Promise<ProviderView>}
 */
export async function providerView() {
  const settings = await loadSettings();
  if (settings) {
    const vault = await vaultState();
    const locked = vault.locked && vault.origin === originOf(settings);
    return { configured: true, demo: false, locked, name: settings.name, model: settings.model };
  }
  const demo = await loadDemo();
  return {
    configured: Boolean(demo),
    demo: Boolean(demo),
    locked: false,
    name: demo?.name ?? "",
    model: demo?.model ?? "",
  };
}

/**
 * What the next turn's request needs. Throws a `UserError` when there is none yet or the key is locked.
 * @returns {Promise<Connection>}
 */
export async function currentConnection() {
  const settings = await loadSettings();
  if (settings) return withKey(settings, await readKey(originOf(settings)));
  const demo = await loadDemo();
  if (!demo)
    throw configurationError(
      "No provider is set up yet.",
      "Open the settings, choose a provider and enter its API key.",
    );
  return { settings: { wire_api: "responses", ...demo, preset: "custom" } };
}

/**
 * What a trial of unsaved settings needs.
 * @param {unknown} settings
 * @param {string | undefined} apiKey  Undefined uses the stored one, if it belongs to the same origin.
 * @returns {Promise<Connection>}
 */
export async function trialConnection(settings, apiKey) {
  const checked = checkSettings(settings, { modelNeeded: false });
  const key = checkKey(apiKey);
  if (key !== undefined) return withKey(checked, key);
  await requireOwnKey(originOf(checked));
  return withKey(checked, await readKey(originOf(checked)));
}

/** @param {Settings} settings @param {string | undefined} key @returns {Connection} */
const withKey = (settings, key) => (key ? { settings, api_key: key } : { settings });

/** @param {Settings} settings */
export const originOf = (settings) => new URL(settings.base_url).origin;

/** @param {string} hostname */
const isLocal = (hostname) => hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);

/**
 * A stored key never goes to another origin than it was entered for. Local servers usually need none, so they may go without.
 * @param {string} origin
 */
async function requireOwnKey(origin) {
  const stored = (await vaultState()).origin;
  if (stored === null || stored === origin || isLocal(new URL(origin).hostname)) return;
  throw configurationError(
    `API key: the stored key belongs to ${stored} and is not sent to ${origin}.`,
    `Enter the key for ${origin}, or remove the stored key if none is needed there.`,
  );
}

/** @type {Promise<Demo | null> | undefined} */
let demo;

/** The demo provider, where this copy of the extension has one. */
export function loadDemo() {
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
export function checkSettings(value, { modelNeeded = true } = {}) {
  const given = /** @type {Record<string, unknown>} */ (value && typeof value === "object" ? value : {});
  const baseUrl = checkBaseUrl(text(given.base_url));
  const wireApi = given.wire_api;
  if (wireApi !== "responses" && wireApi !== "chat") {
    throw configurationError("Wire API: choose Responses or Chat Completions.");
  }
  const model = text(given.model);
  if (modelNeeded && !model)
    throw configurationError("Model: it is empty.", "Type a model's name or pick one from the list.");
  if (/\s/.test(model))
    throw configurationError("Model: a name has no blanks.", "Copy the name as the provider writes it.");
  /** @type {Settings} */
  const settings = {
    preset: PRESETS.includes(text(given.preset)) ? text(given.preset) : "custom",
    name: text(given.name) || new URL(baseUrl).host,
    base_url: baseUrl,
    wire_api: wireApi,
    model,
  };
  const instructions = text(given.instructions);
  if (instructions) settings.instructions = instructions;
  for (const field of OPTIONAL_MAPS) {
    const map = checkMap(field, given[field]);
    if (map) settings[field] = map;
  }
  return settings;
}

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value.trim() : "");

/** @param {string} value */
function checkBaseUrl(value) {
  const example = "It looks like https://api.openai.com/v1.";
  if (!value) throw configurationError("Base URL: it is empty.", example);
  if (!URL.canParse(value)) throw configurationError("Base URL: this is not a web address.", example);
  const url = new URL(value);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw configurationError("Base URL: it must begin with https:// or http://.", example);
  }
  if (url.username || url.password) {
    throw configurationError("Base URL: it holds a user name or password.", "Put the key into the field for it.");
  }
  if (/YOUR[-_]/.test(value))
    throw configurationError("Base URL: a part of it is still a placeholder.", "Put your own resource's name there.");
  return value;
}

/** @param {string} field @param {unknown} value */
function checkMap(field, value) {
  if (value === undefined || value === null) return undefined;
  const entries = typeof value === "object" ? Object.entries(value) : [];
  if (Array.isArray(value) || typeof value !== "object" || entries.some(([, entry]) => typeof entry !== "string")) {
    throw configurationError(`${field}: names and texts are expected.`);
  }
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** @param {unknown} value */
function checkKey(value) {
  if (value === undefined || value === null) return undefined;
  const key = text(value);
  // Any non-blank printable ASCII: what a header can carry without harm.
  if (!/^[\x21-\x7e]*$/.test(key)) {
    throw configurationError(
      "API key: it holds a blank or a character that no key has.",
      "Copy the key again, without anything around it.",
    );
  }
  return key;
}
