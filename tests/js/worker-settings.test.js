import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { presetOf } from "../../extension/shared/presets.js";
import { providerTools } from "../../extension/worker/settings/provider-tools.js";
import { forgetAll, local, session, storedText } from "./worker-globals.js";

const vault = await import("../../extension/worker/settings/vault.js");
const { connectionOf, describeSettings, providerView, trialConnection } = await import(
  "../../extension/worker/settings/connections.js"
);
const { checkSettings } = await import("../../extension/worker/settings/profile-checks.js");
const {
  activateProfile,
  exportSettings,
  importAuthJson,
  importSettings,
  removeProfile,
  saveProfile,
  saveTokens,
  unlock,
} = await import("../../extension/worker/settings/settings.js");
const { toTurnError } = await import("../../extension/shared/errors.js");

const A = "https://a.test";
const B = "https://b.test";
const KEY = "sk-test-1234567890";
const SETTINGS = { preset: "custom", name: "A", base_url: `${A}/v1`, wire_api: "responses", model: "m" };

/** @param {Partial<Record<keyof typeof SETTINGS, unknown>> & Record<string, unknown>} fields */
const settings = (fields = {}) => ({ ...SETTINGS, ...fields });

/**
 * Saves the active profile, or the first one.
 * @param {unknown} settings @param {string | undefined} apiKey @param {string | undefined} passphrase
 */
function saveSettings(settings, apiKey, passphrase) {
  const id = /** @type {string | undefined} */ (local.data.active_profile);
  return saveProfile(id ? { id, settings } : { settings }, apiKey, passphrase);
}

/** @param {Promise<unknown>} promise @param {RegExp} message */
const refused = (promise, message) => assert.rejects(promise, { name: "UserError", message });

beforeEach(forgetAll);

// --- vault
// -------------------------------------------------------------------------------------------------------------

const PROFILE = { id: "p", origin: A };
const OTHER = { id: "q", origin: B };

/** @param {string} text @returns {import("../../extension/worker/settings/vault.js").Secret} */
const key = (text) => ({ kind: "api_key", text });

/** @param {{id: string, origin: string}} owner */
const readKey = async (owner) => (await vault.readSecret(owner))?.text;

const lockState = async () => {
  const { protected: isProtected, locked } = await vault.vaultState();
  return { protected: isProtected, locked };
};

/** The browser has been closed. */
const closeBrowser = () => {
  session.data = {};
};

test("a key is returned for its own profile and origin only, and is nowhere in clear", async () => {
  await vault.storeSecret(PROFILE, key(KEY));
  assert.deepEqual(await vault.readSecret(PROFILE), key(KEY));
  assert.equal(await readKey({ ...PROFILE, origin: B }), undefined);
  assert.equal(await readKey({ ...PROFILE, id: "q" }), undefined);
  assert.deepEqual(await lockState(), { protected: false, locked: false });
  assert.ok(!storedText().includes(KEY) && !storedText().includes(btoa(KEY)));
});

test("a ciphertext that is moved to another origin, profile or kind does not open", async () => {
  await vault.storeSecret(PROFILE, key(KEY));
  const { entries } = /** @type {any} */ (local.data.vault);
  entries.q = { ...entries.p };
  entries.p.origin = B;
  await refused(readKey({ ...PROFILE, origin: B }), /can't be read/);
  await refused(readKey({ id: "q", origin: A }), /can't be read/);
  entries.p = { ...entries.q, kind: "sign_in" };
  await refused(readKey(PROFILE), /can't be read/);
});

test("a damaged ciphertext is reported", async () => {
  await vault.storeSecret(PROFILE, key(KEY));
  const { sealed } = /** @type {any} */ (local.data.vault).entries.p;
  // Its first byte is random: another one must differ from it for certain.
  const data = atob(sealed.data);
  sealed.data = btoa(String.fromCharCode(data.charCodeAt(0) ^ 1) + data.slice(1));
  await refused(readKey(PROFILE), /can't be read/);
});

test("the same key is never stored as the same text", async () => {
  await vault.storeSecret(PROFILE, key(KEY));
  const first = storedText();
  await vault.storeSecret(PROFILE, key(KEY));
  assert.notEqual(storedText(), first);
});

test("one passphrase locks all keys until it is given", async () => {
  await vault.storeSecret(OTHER, key("sk-other"));
  await vault.changePassphrase("correct horse", PROFILE, key(KEY));
  assert.deepEqual(await lockState(), { protected: true, locked: false });
  assert.equal(await readKey(PROFILE), KEY);
  closeBrowser();
  assert.deepEqual(await lockState(), { protected: true, locked: true });
  await refused(readKey(PROFILE), /locked/);
  await refused(readKey(OTHER), /locked/);
  await refused(vault.unlock("wrong horse"), /wrong/);
  await refused(readKey(PROFILE), /locked/);
  await vault.unlock("correct horse");
  assert.equal(await readKey(PROFILE), KEY);
  assert.equal(await readKey(OTHER), "sk-other");
  assert.ok(!storedText().includes(KEY) && !storedText().includes("horse"));
});

test("passphrases are the same however their letters are composed", async () => {
  await vault.changePassphrase("gru\u0308ezi mitenand", PROFILE, key(KEY));
  closeBrowser();
  await vault.unlock("gr\u00fcezi mitenand");
  assert.equal(await readKey(PROFILE), KEY);
});

test("a new key is protected by the passphrase that is set", async () => {
  await vault.changePassphrase("correct horse", PROFILE, key(KEY));
  await vault.storeSecret(OTHER, key("sk-other"));
  await vault.storeSecret(PROFILE, key("sk-new"));
  closeBrowser();
  await refused(readKey(OTHER), /locked/);
  await vault.unlock("correct horse");
  assert.deepEqual([await readKey(PROFILE), await readKey(OTHER)], ["sk-new", "sk-other"]);
});

test("a passphrase is set, changed and removed without entering the keys again", async () => {
  await vault.storeSecret(PROFILE, key(KEY));
  await vault.storeSecret(OTHER, { kind: "sign_in", text: "tokens" });
  for (const passphrase of ["correct horse", "another horse"]) {
    await vault.changePassphrase(passphrase, PROFILE);
    closeBrowser();
    await vault.unlock(passphrase);
    assert.equal(await readKey(PROFILE), KEY);
  }
  await vault.changePassphrase("", PROFILE);
  closeBrowser();
  assert.deepEqual(await lockState(), { protected: false, locked: false });
  assert.equal(await readKey(PROFILE), KEY);
  assert.deepEqual(await vault.readSecret(OTHER), { kind: "sign_in", text: "tokens" });
});

test("what cannot be done while locked changes nothing", async () => {
  await vault.storeSecret(OTHER, key("sk-other"));
  await vault.changePassphrase("correct horse", PROFILE, key(KEY));
  closeBrowser();
  const before = storedText();
  await refused(vault.storeSecret(PROFILE, key("sk-new")), /locked/);
  await refused(vault.changePassphrase("", PROFILE), /locked/);
  await refused(vault.changePassphrase("another horse", PROFILE), /locked/);
  await refused(vault.changePassphrase("another horse", PROFILE, key("sk-new")), /locked/);
  assert.equal(storedText(), before);
});

test("a lost passphrase can be left behind with the key", async () => {
  await vault.storeSecret(OTHER, key("sk-other"));
  await vault.changePassphrase("correct horse", PROFILE, key(KEY));
  closeBrowser();
  await vault.removeSecret(OTHER.id);
  await vault.changePassphrase("better horse", PROFILE, key("sk-new"));
  assert.equal(await readKey(PROFILE), "sk-new");
  closeBrowser();
  await vault.changePassphrase("", PROFILE, key("sk-newer"));
  assert.equal(await readKey(PROFILE), "sk-newer");
});

test("removing the last key removes everything, and not before", async () => {
  await vault.storeSecret(OTHER, key("sk-other"));
  await vault.changePassphrase("correct horse", PROFILE, key(KEY));
  await vault.removeSecret(PROFILE.id);
  assert.deepEqual([await readKey(PROFILE), await readKey(OTHER)], [undefined, "sk-other"]);
  assert.deepEqual(await lockState(), { protected: true, locked: false });
  await vault.removeSecret(OTHER.id);
  assert.deepEqual([local.data, session.data], [{}, {}]);
  assert.deepEqual(await lockState(), { protected: false, locked: false });
});

test("short passphrases, and passphrases for nothing, are refused", async () => {
  await refused(vault.changePassphrase("short", PROFILE, key(KEY)), /at least 8 characters/);
  await refused(vault.changePassphrase("correct horse", PROFILE), /no API key/);
  assert.deepEqual(local.data, {});
});

test("renewed tokens replace those that they were made of, and nothing else", async () => {
  await saveTokens("p", "old", "new");
  assert.deepEqual(local.data, {});
  await vault.storeSecret(PROFILE, { kind: "sign_in", text: "old" });
  await saveTokens("p", "older", "newer");
  assert.equal(await readKey(PROFILE), "old");
  await saveTokens("p", "old", "new");
  assert.deepEqual(await vault.readSecret(PROFILE), { kind: "sign_in", text: "new" });
  await vault.storeSecret(PROFILE, key("new"));
  await saveTokens("p", "new", "newer");
  assert.deepEqual(await vault.readSecret(PROFILE), key("new"));
});

// --- from a single provider to profiles
// --------------------------------------------------------------------------------

/**
 * Sealed as the first version did it, under the key that the vault makes for this.
 * @param {CryptoKey} key
 * @param {string} text
 */
async function sealAsBefore(key, text) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const encoder = new TextEncoder();
  const additionalData = encoder.encode(`sidestream/1 ${A}`);
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, encoder.encode(text));
  const base64 = (/** @type {Uint8Array} */ bytes) => btoa(String.fromCharCode(...bytes));
  return { iv: base64(iv), data: base64(new Uint8Array(data)) };
}

/** @param {string} passphrase @param {string} salt */
async function derive(passphrase, salt) {
  const raw = new TextEncoder().encode(passphrase);
  const material = await crypto.subtle.importKey("raw", raw, "PBKDF2", false, ["deriveKey"]);
  const kdf = { name: "PBKDF2", hash: "SHA-256", salt: Uint8Array.from(atob(salt), (c) => c.charCodeAt(0)) };
  const to = { name: "AES-GCM", length: 256 };
  return crypto.subtle.deriveKey({ ...kdf, iterations: 1000 }, material, to, false, ["encrypt"]);
}

test("the settings and the key of the first version become a profile", async () => {
  const { deviceKey } = await import("../../extension/worker/settings/device-key.js");
  const sealed = await sealAsBefore(await deviceKey(), KEY);
  local.data = { settings: settings(), vault: { version: 1, origin: A, sealed } };
  const [connection, view] = await Promise.all([connectionOf(""), providerView()]);
  assert.deepEqual(connection, { settings: settings(), api_key: KEY });
  assert.equal(view.name, "A");
  assert.deepEqual(local.data.profiles, [{ id: "1", settings: settings() }]);
  assert.equal(local.data.settings, undefined);
  const { version, entries } = /** @type {any} */ (local.data.vault);
  assert.deepEqual([version, entries["1"].version], [2, undefined]);
  entries["2"] = entries["1"];
  await refused(vault.readSecret({ id: "2", origin: A }), /can't be read/);
});

test("a migration while the key is locked keeps it, and binds it when it is unlocked", async () => {
  const salt = btoa("0123456789abcdef");
  const sealed = await sealAsBefore(await derive("correct horse", salt), KEY);
  local.data = { settings: settings(), vault: { version: 1, origin: A, sealed, kdf: { salt, iterations: 1000 } } };
  assert.equal((await providerView()).locked, true);
  await refused(connectionOf(""), /locked/);
  await refused(unlock("wrong horse"), /wrong/);
  await unlock("correct horse");
  assert.equal((await connectionOf("")).api_key, KEY);
  const { entries } = /** @type {any} */ (local.data.vault);
  assert.equal(entries["1"].version, undefined);
  assert.notEqual(entries["1"].sealed.data, sealed.data);
});

test("a migration that was cut off is finished, and takes nothing back", async () => {
  const profiles = [{ id: "1", settings: settings({ model: "newer" }) }];
  local.data = { profiles, active_profile: "1", settings: settings() };
  assert.equal((await providerView()).model, "newer");
  assert.deepEqual(local.data, { profiles, active_profile: "1" });
});

// --- settings
// ----------------------------------------------------------------------------------------------------------

test("settings are stored without blanks around them and without what is unknown", async () => {
  const given = settings({
    base_url: `\ufeff ${A}/v1\u200b `,
    model: " \u200bm\u2060 ",
    name: "",
    odd: 1,
    instructions: " Be brief. ",
    http_headers: {},
  });
  assert.deepEqual(checkSettings(given), settings({ name: "a.test", instructions: "Be brief." }));
});

test("what is optional is kept as it is meant", async () => {
  const given = {
    effort: " ultra ",
    summary: "off",
    temperature: 0,
    top_p: 0.5,
    max_output_tokens: 100,
    request_max_retries: 0,
    stream_max_retries: 3,
    max_waiting: 5,
    requests_per_minute: 20,
    organization: "org-1",
    project: "proj_1",
    verbosity: "low",
    compaction: "trim",
    context_window: 32_768,
    stream_idle_timeout_ms: 60_000,
  };
  assert.deepEqual(checkSettings(settings(given)), settings({ ...given, effort: "ultra" }));
  assert.equal(checkSettings(settings({ background: true })).background, true);
  for (const other of [{ background: "yes" }, { background: false }, { background: true, wire_api: "chat" }])
    assert.equal("background" in checkSettings(settings(other)), false);
  const empty = {
    summary: "",
    temperature: null,
    organization: " ",
    effort: "",
    verbosity: "",
    compaction: null,
    context_window: undefined,
  };
  assert.deepEqual(checkSettings(settings(empty)), settings());
});

const BAD = /** @type {const} */ ([
  [{ base_url: "" }, "base_url empty", /^Base URL: Enter the server's address/],
  [{ base_url: "openai" }, "base_url not_a_url", /^Base URL: This is not a web address/],
  [{ base_url: "ftp://a.test" }, "base_url wrong_scheme", /^Base URL: The address must start with/],
  [
    { base_url: "https://me:pw@a.test/" },
    "base_url holds_password",
    /^Base URL: The address must not contain a user name or password/,
  ],
  [
    { base_url: "https://YOUR-RESOURCE.openai.azure.com/openai/v1" },
    "base_url placeholder",
    /^Base URL: Replace YOUR-RESOURCE/,
  ],
  [{ wire_api: "grpc" }, "wire_api not_a_choice", /^Wire API/],
  [{ model: " " }, "model empty", /^Model: Enter a model name/],
  [{ model: "my\nmodel" }, "model bad_character", /^Model: The name contains an invalid character/],
  [
    { summary: "long" },
    "summary not_a_choice",
    /^Reasoning summary: Choose one of these: off, auto, concise, detailed/,
  ],
  [{ temperature: 9 }, "temperature out_of_range", /^Temperature: Enter a number from 0 to 2/],
  [{ temperature: "0.5" }, "temperature out_of_range", /^Temperature/],
  [{ temperature: Number.NaN }, "temperature out_of_range", /^Temperature/],
  [{ top_p: 0 }, "top_p out_of_range", /^Top P: Enter a number greater than 0 and at most 1/],
  [{ max_output_tokens: 0 }, "max_output_tokens out_of_range", /^Maximum output tokens: Enter a whole number from 1/],
  [{ request_max_retries: 101 }, "request_max_retries out_of_range", /^Request retries/],
  [{ stream_max_retries: -1 }, "stream_max_retries out_of_range", /^Stream retries/],
  [{ max_waiting: 0 }, "max_waiting out_of_range", /^Queue limit/],
  [{ requests_per_minute: 0.5 }, "requests_per_minute out_of_range", /^Requests per minute/],
  [{ organization: "a b" }, "organization not_an_id", /^Organization: Enter the ID, which contains no spaces/],
  [{ project: "x\n" + "y" }, "project not_an_id", /^Project: Enter the ID, which contains no spaces/],
  [{ effort: "very high" }, "effort not_a_word", /^Reasoning effort/],
  [{ verbosity: "chatty" }, "verbosity not_a_choice", /^Verbosity: Choose one of these: low, medium, high/],
  [{ compaction: "burn" }, "compaction not_a_choice", /^When the context is full: Choose one of/],
  [
    { context_window: 999 },
    "context_window out_of_range",
    /^Context window: Enter a whole number of tokens, at least 1,000/,
  ],
  [{ context_window: 4096.5 }, "context_window out_of_range", /^Context window/],
  [{ context_window: "4096" }, "context_window out_of_range", /^Context window/],
  [
    { stream_idle_timeout_ms: 0 },
    "stream_idle_timeout_ms out_of_range",
    /^Idle timeout must be greater than 0 and at most 24 hours/,
  ],
  [
    { stream_idle_timeout_ms: 1.5 },
    "stream_idle_timeout_ms out_of_range",
    /^Idle timeout must be greater than 0 and at most 24 hours/,
  ],
  [
    { stream_idle_timeout_ms: 86_400_001 },
    "stream_idle_timeout_ms out_of_range",
    /^Idle timeout must be greater than 0 and at most 24 hours/,
  ],
  [{ http_headers: ["X"] }, "http_headers not_entries", /^Extra headers/],
  [{ http_headers: { "bad name": "x" } }, "http_headers bad_header_name", /^Extra headers/],
  [{ http_headers: { X: "a\nb" } }, "http_headers bad_header_value", /^Extra headers/],
  [{ query_params: { a: 1 } }, "query_params not_entries", /^Query parameters/],
]);

for (const [fields, cause, message] of BAD) {
  test(`refused: ${JSON.stringify(fields)}`, async () => {
    const [field, code] = cause.split(" ");
    const error = { name: "UserError", message, field, code };
    await assert.rejects(saveSettings(settings(fields), KEY, undefined), error);
    assert.deepEqual(local.data, {});
  });
}

for (const value of [undefined, null, "x", 5, []]) {
  test(`refused: ${JSON.stringify(value)} instead of settings`, () =>
    refused(saveSettings(value, KEY, undefined), /^Base URL/));
}

for (const key of ["sk with blank", "sk-\u00e4"]) {
  test(`refused key: ${JSON.stringify(key)}`, async () => {
    await refused(saveSettings(settings(), key, undefined), /^API key: This has a space/);
    assert.deepEqual(local.data, {});
  });
}

/** The same key, as it is found in the wild. */
const PASTED = [
  `  ${KEY}\n`,
  `\u00a0${KEY}\ufeff`,
  `\u200b${KEY}\u200d`,
  `Bearer ${KEY}`,
  `bearer  ${KEY}`,
  `"${KEY}"`,
  `'${KEY}',`,
  `\`${KEY}\``,
  `\u201c${KEY}\u201d`,
  `Authorization: Bearer ${KEY}`,
  `-H "Authorization: Bearer ${KEY}"`,
  `Authorization: Bearer ${KEY}"`,
  `api-key: ${KEY}`,
  `x-api-key: ${KEY}`,
  `"api_key": "${KEY}",`,
  `OPENAI_API_KEY=${KEY}`,
  `export OPENAI_API_KEY="${KEY}"`,
  `export OPENAI_API_KEY='Bearer ${KEY}';`,
  `set AZURE_OPENAI_API_KEY=${KEY}`,
  `$env:OPENAI_API_KEY = "${KEY}"`,
];
for (const pasted of PASTED) {
  test(`pasted key: ${JSON.stringify(pasted)}`, async () => {
    await saveSettings(settings(), pasted, undefined);
    assert.equal((await connectionOf("")).api_key, KEY);
    assert.equal((await trialConnection(settings(), pasted, undefined)).api_key, KEY);
  });
}

for (const own of ["not-needed", "EMPTY", "lm-studio", "key", "abc==", "a:b", "MY_TOKEN=", "'", "none,"]) {
  test(`a key that only looks odd stays as it is: ${own}`, async () => {
    await saveSettings(settings(), own, undefined);
    assert.equal((await connectionOf("")).api_key, own);
  });
}

for (const [text, message] of /** @type {[string, RegExp][]} */ ([
  ['{"OPENAI_API_KEY": "sk-1"}', /^API key: This is JSON text/],
  ["https://platform.openai.com/api-keys", /^API key: This is a web address/],
  ["Bearer", /^API key: There is no key after/],
  ["OPENAI_API_KEY=sk-1\nOPENAI_ORG=org-1", /^API key: This has several lines/],
  ["sk-proj-****abcd", /^API key: Part of the key is masked/],
  ["sk-...abcd", /^API key: Part of the key is masked/],
])) {
  test(`no key: ${JSON.stringify(text)}`, async () => {
    await refused(saveSettings(settings(), text, undefined), message);
    assert.deepEqual(local.data, {});
  });
}

test("a saved key is used for the next turn", async () => {
  await saveSettings(settings(), ` ${KEY}\n`, undefined);
  assert.deepEqual(await connectionOf(""), { settings: settings(), api_key: KEY });
  assert.deepEqual(await providerView(), {
    configured: true,
    demo: false,
    locked: false,
    name: "A",
    model: "m",
    profiles: [{ id: "1", name: "A", model: "m", tools: providerTools({ preset: "custom", wire_api: "responses" }) }],
    active: "1",
  });
});

test("a key never follows the base URL to another origin", async () => {
  await saveSettings(settings(), KEY, undefined);
  const moved = settings({ base_url: `${B}/v1` });
  await refused(
    saveSettings(moved, undefined, undefined),
    /belongs to https:\/\/a\.test and is not sent to https:\/\/b\.test/,
  );
  await refused(trialConnection(moved, undefined, undefined), /belongs to/);
  assert.deepEqual(await connectionOf(""), { settings: settings(), api_key: KEY });
  for (const base_url of ["http://a.test/v1", "https://a.test:444/v1", "https://a.test.evil/v1"]) {
    await refused(saveSettings(settings({ base_url }), undefined, undefined), /belongs to/);
  }
  await saveSettings(moved, "sk-b", undefined);
  assert.deepEqual(await connectionOf(""), { settings: moved, api_key: "sk-b" });
});

test("another path of the same origin keeps the key", async () => {
  await saveSettings(settings(), KEY, undefined);
  const moved = settings({ base_url: `${A}/other/v2` });
  await saveSettings(moved, undefined, undefined);
  assert.deepEqual(await connectionOf(""), { settings: moved, api_key: KEY });
});

test("a local server goes without a key, and the stored one is there again afterwards", async () => {
  await saveSettings(settings(), KEY, undefined);
  for (const base_url of ["http://localhost:11434/v1", "http://127.0.0.1:1234/v1", "http://[::1]:8080/v1"]) {
    await saveSettings(settings({ base_url }), undefined, undefined);
    assert.deepEqual(await connectionOf(""), { settings: settings({ base_url }) });
  }
  await saveSettings(settings(), undefined, undefined);
  assert.equal((await connectionOf("")).api_key, KEY);
});

test("a trial uses the key that is typed, or the stored one, and stores nothing", async () => {
  await saveSettings(settings(), KEY, undefined);
  const before = storedText();
  assert.equal((await trialConnection(settings({ model: "" }), undefined, undefined)).api_key, KEY);
  assert.equal((await trialConnection(settings({ base_url: B }), "sk-b", undefined)).api_key, "sk-b");
  assert.equal((await trialConnection(settings(), "", undefined)).api_key, undefined);
  assert.equal(storedText(), before);
});

test("a locked key is reported before anything is sent", async () => {
  await saveSettings(settings(), KEY, "correct horse");
  session.data = {};
  assert.equal((await providerView()).locked, true);
  await refused(connectionOf(""), /locked/);
});

test("without settings and without a demo there is no provider", async () => {
  const nobody = { configured: false, demo: false, locked: false, name: "", model: "", profiles: [], active: null };
  assert.deepEqual(await providerView(), nobody);
  await refused(connectionOf(""), /No provider is set up/);
});

test("errors for the pages hold no detail that was not meant for people", () => {
  assert.deepEqual(toTurnError(new TypeError(`bad ${KEY}`)).message, "Something went wrong in Sidestream (TypeError).");
  assert.match(toTurnError(new DOMException("x", "QuotaExceededError")).message, /disk is full/);
});

// --- profiles
// ----------------------------------------------------------------------------------------------------------

const SECOND = settings({ name: "B", base_url: `${B}/v1`, model: "n" });

/** Two profiles, each with a key; gives the id of the second one. */
async function saveTwo() {
  await saveSettings(settings(), KEY, undefined);
  return saveProfile({ settings: SECOND }, "sk-second", undefined);
}

test("each profile answers with its own key", async () => {
  const second = await saveTwo();
  assert.deepEqual(await connectionOf(""), { settings: settings(), api_key: KEY });
  await activateProfile(second);
  assert.deepEqual(await connectionOf(""), { settings: SECOND, api_key: "sk-second" });
  assert.equal((await trialConnection(settings(), undefined, "1")).api_key, KEY);
  await refused(trialConnection(settings(), undefined, second), /belongs to/);
  assert.equal((await trialConnection(SECOND, undefined, null)).api_key, undefined);
  assert.ok(!JSON.stringify(await describeSettings()).includes("sk-"));
});

test("without an id the active profile is saved", async () => {
  const second = await saveTwo();
  await activateProfile(second);
  await saveSettings({ ...SECOND, model: "o" }, undefined, undefined);
  const { profiles } = await describeSettings();
  assert.deepEqual(
    profiles.map((profile) => [profile.settings.model, profile.has_key]),
    [
      ["m", true],
      ["o", true],
    ],
  );
});

test("a profile is removed with its key, and another one becomes active", async () => {
  const second = await saveTwo();
  await removeProfile("1");
  assert.deepEqual(Object.keys(/** @type {any} */ (local.data.vault).entries), [second]);
  assert.equal((await connectionOf("")).api_key, "sk-second");
  await removeProfile(second);
  assert.deepEqual([local.data.profiles, local.data.vault], [[], undefined]);
  await refused(removeProfile(second), /no longer exists/);
  await refused(activateProfile("1"), /no longer exists/);
  await refused(saveProfile({ id: "1", settings: settings() }, undefined, undefined), /no longer exists/);
});

test("changes at the same time are all kept", async () => {
  await Promise.all(
    ["x", "y", "z"].map((name) => saveProfile({ settings: settings({ name }) }, `sk-${name}`, undefined)),
  );
  const { profiles } = await describeSettings();
  assert.deepEqual(
    profiles.map(({ settings, has_key }) => [settings.name, has_key]),
    [
      ["x", true],
      ["y", true],
      ["z", true],
    ],
  );
});

test("a key that is locked is asked for only where it is needed", async () => {
  await saveSettings(settings(), KEY, "correct horse");
  const second = await saveProfile({ settings: settings({ base_url: "http://localhost:1/v1" }) }, undefined, undefined);
  closeBrowser();
  assert.equal((await providerView()).locked, true);
  await activateProfile(second);
  assert.equal((await providerView()).locked, false);
});

// --- export and import
// -------------------------------------------------------------------------------------------------

test("an export holds no secret, and its import gives the same export again", async () => {
  const http_headers = { "X-Team": "blue", Authorization: "Bearer sk-hidden", "x-api-key": "sk-hidden" };
  const query_params = { "api-version": "1", subscription_key: "sk-hidden" };
  await saveTwo();
  const numbers = { temperature: 0.5, max_output_tokens: 9, request_max_retries: 0, max_waiting: 3 };
  const chosen = {
    ...numbers,
    summary: "auto",
    organization: "org-1",
    project: "proj_1",
    effort: "high",
    verbosity: "low",
    compaction: "off",
    context_window: 8192,
    background: true,
  };
  await saveProfile(
    { settings: settings({ base_url: "https://c.test/v1?a=1&key=sk-hidden", ...chosen, http_headers, query_params }) },
    "sk-third",
    "correct horse",
  );
  const { text, left_out } = await exportSettings();
  assert.doesNotMatch(text, /sk-|horse|vault|sealed/);
  assert.deepEqual(left_out, ["key", "Authorization", "x-api-key", "subscription_key"]);
  assert.match(text, /"X-Team": "blue"/);
  assert.match(
    text,
    /"effort": "high",\s+"summary": "auto",\s+"verbosity": "low",\s+"temperature": 0.5,\s+"max_output_tokens": 9,\s+"compaction": "off",\s+"context_window": 8192,\s+"background": true/,
  );
  forgetAll();
  assert.deepEqual(await importSettings(text), { added: 3, of: 3 });
  assert.deepEqual(await exportSettings(), { text, left_out: [] });
  assert.deepEqual(await importSettings(text), { added: 0, of: 3 });
});

test("an import with a number out of its range is refused, and nothing of it taken", async () => {
  await saveTwo();
  const { text } = await exportSettings();
  forgetAll();
  await refused(importSettings(text.replace('"model": "n"', '"model": "n", "temperature": 9')), /^Temperature/);
  assert.equal(local.data.profiles, undefined);
});

test("imported profiles follow the existing ones, and the active one stays", async () => {
  await saveTwo();
  const { text } = await exportSettings();
  forgetAll();
  await saveSettings(settings({ name: "Mine" }), KEY, undefined);
  assert.deepEqual(await importSettings(text), { added: 2, of: 2 });
  const { profiles, active } = await describeSettings();
  assert.deepEqual(
    profiles.map((profile) => profile.settings.name),
    ["Mine", "A", "B"],
  );
  assert.equal(active, "1");
});

const EXPORT = { format: "sidestream-settings", version: 1, active: 0, profiles: [settings()] };
for (const [file, message] of /** @type {[unknown, RegExp][]} */ ([
  ["{", /not JSON/],
  ["null", /not a settings file/],
  [{ profiles: [] }, /not a settings file/],
  [{ ...EXPORT, version: 2 }, /another version/],
  [{ ...EXPORT, profiles: [] }, /no profiles/],
  [{ ...EXPORT, profiles: [settings(), settings({ base_url: "nowhere" })] }, /^Base URL/],
  [{ OPENAI_API_KEY: KEY }, /auth\.json/],
])) {
  test(`no import: ${message}`, async () => {
    await refused(importSettings(typeof file === "string" ? file : JSON.stringify(file)), message);
    assert.equal(local.data.profiles, undefined);
  });
}

// --- Codex's auth.json
// -------------------------------------------------------------------------------------------------

/** @param {Record<string, unknown>} claims */
const jwt = (claims) => `e30.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.sig`;

/** @param {string} email @param {string} [refresh_token] */
const authJson = (email, refresh_token = "rt-1") => ({
  OPENAI_API_KEY: null,
  tokens: {
    id_token: jwt({ email, "https://api.openai.com/auth": { chatgpt_plan_type: "plus", chatgpt_account_id: "acc" } }),
    access_token: jwt({ exp: 2_000_000_000 }),
    refresh_token,
  },
  last_refresh: "2027-01-14T00:00:00Z",
});

test("the tokens of an auth.json become a sign-in", async () => {
  const [id] = await importAuthJson(JSON.stringify(authJson("me@a.test")));
  const { settings, auth_json, profile_id, api_key } = await connectionOf("");
  assert.deepEqual([settings.preset, settings.name, profile_id, api_key], ["chatgpt", "ChatGPT", id, undefined]);
  assert.equal(settings.model, presetOf("chatgpt").model);
  assert.deepEqual(JSON.parse(String(auth_json)), authJson("me@a.test"));
  const { profiles } = await describeSettings();
  assert.deepEqual(profiles[0].sign_in, { account: "me@a.test", plan: "plus", expires_at: 2_000_000_000_000 });
  assert.equal(profiles[0].has_key, false);
  assert.ok(!storedText().includes("rt-1"));
  const { text } = await exportSettings();
  assert.doesNotMatch(text, /rt-1|me@a/);
});

test("another sign-in of the same account takes the place of the old one", async () => {
  const [id] = await importAuthJson(JSON.stringify(authJson("me@a.test")));
  assert.deepEqual(await importAuthJson(JSON.stringify(authJson("me@a.test", "rt-2"))), [id]);
  assert.equal(JSON.parse(String((await connectionOf("")).auth_json)).tokens.refresh_token, "rt-2");
  const [other] = await importAuthJson(JSON.stringify(authJson("you@a.test")));
  assert.notEqual(other, id);
  const { profiles } = await describeSettings();
  assert.deepEqual(
    profiles.map((profile) => profile.settings.name),
    ["ChatGPT", "ChatGPT 2"],
  );
});

test("the key of an auth.json becomes that of OpenAI", async () => {
  await importAuthJson(JSON.stringify({ OPENAI_API_KEY: KEY }));
  const { settings, api_key } = await connectionOf("");
  assert.deepEqual([settings.base_url, api_key], ["https://api.openai.com/v1", KEY]);
  await importAuthJson(JSON.stringify({ ...authJson("me@a.test"), OPENAI_API_KEY: "sk-both" }));
  const { profiles } = await describeSettings();
  assert.deepEqual(
    profiles.map((profile) => profile.settings.name),
    ["OpenAI", "ChatGPT", "OpenAI 2"],
  );
});

test("a sign-in never follows the base URL to another origin", async () => {
  const [id] = await importAuthJson(JSON.stringify(authJson("me@a.test")));
  const moved = { ...(await connectionOf("")).settings, base_url: "https://evil.test/codex" };
  await refused(saveProfile({ id, settings: moved }, undefined, undefined), /belongs to https:\/\/chatgpt\.com/);
  await refused(trialConnection(moved, undefined, id), /belongs to/);
});

for (const [file, message] of /** @type {[string | undefined, RegExp][]} */ ([
  [undefined, /empty/],
  [" ", /empty/],
  ["sk-123", /not a JSON object/],
  ["[1]", /not a JSON object/],
  ["{}", /neither a ChatGPT sign-in nor an API key/],
  ['{"tokens": {"refresh_token": "x"}}', /neither/],
  [JSON.stringify(EXPORT), /Import settings/],
  [`{"x": "${"x".repeat(70_000)}"}`, /too large/],
])) {
  test(`no auth.json: ${message}`, async () => {
    const error = await importAuthJson(file).catch((/** @type {any} */ reason) => reason);
    assert.equal(error.name, "UserError");
    assert.match(`${error.message} ${error.hint}`, message);
    assert.deepEqual(local.data, {});
  });
}
