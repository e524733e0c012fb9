import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { forgetAll, local, session, storedText } from "./worker-globals.js";

const { changeVault, readKey, unlock, vaultState } = await import("../../extension/runtime/vault.js");
const { checkSettings, currentConnection, providerView, saveSettings, trialConnection } = await import(
  "../../extension/runtime/settings.js"
);
const { toTurnError } = await import("../../extension/runtime/errors.js");

const A = "https://a.test";
const B = "https://b.test";
const KEY = "sk-test-1234567890";
const SETTINGS = { preset: "custom", name: "A", base_url: `${A}/v1`, wire_api: "responses", model: "m" };

/** @param {Partial<Record<keyof typeof SETTINGS, unknown>> & Record<string, unknown>} fields */
const settings = (fields = {}) => ({ ...SETTINGS, ...fields });

/** @param {Promise<unknown>} promise @param {RegExp} message */
const refused = (promise, message) => assert.rejects(promise, { name: "UserError", message });

beforeEach(forgetAll);

// --- vault -------------------------------------------------------------------------------------------------------------

test("a key comes back for its own origin only, and is nowhere in clear", async () => {
  await changeVault(A, KEY, undefined);
  assert.equal(await readKey(A), KEY);
  assert.equal(await readKey(B), undefined);
  assert.deepEqual(await vaultState(), { origin: A, protected: false, locked: false });
  assert.ok(!storedText().includes(KEY) && !storedText().includes(btoa(KEY)));
});

test("a ciphertext that is moved to another origin does not open", async () => {
  await changeVault(A, KEY, undefined);
  /** @type {any} */ (local.data.vault).origin = B;
  await refused(readKey(B), /cannot be read/);
});

test("a damaged ciphertext is said, not guessed at", async () => {
  await changeVault(A, KEY, undefined);
  const { sealed } = /** @type {any} */ (local.data.vault);
  sealed.data = btoa(`x${atob(sealed.data).slice(1)}`);
  await refused(readKey(A), /cannot be read/);
});

test("the same key is never stored as the same text", async () => {
  await changeVault(A, KEY, undefined);
  const first = storedText();
  await changeVault(A, KEY, undefined);
  assert.notEqual(storedText(), first);
});

test("a passphrase locks the key until it is given", async () => {
  await changeVault(A, KEY, "correct horse");
  assert.deepEqual(await vaultState(), { origin: A, protected: true, locked: false });
  assert.equal(await readKey(A), KEY);
  session.data = {}; // the browser has been closed
  assert.deepEqual(await vaultState(), { origin: A, protected: true, locked: true });
  await refused(readKey(A), /locked/);
  await refused(unlock("wrong horse"), /wrong/);
  await refused(readKey(A), /locked/);
  await unlock("correct horse");
  assert.equal(await readKey(A), KEY);
  assert.ok(!storedText().includes(KEY) && !storedText().includes("horse"));
});

test("passphrases are the same however their letters are composed", async () => {
  await changeVault(A, KEY, "gru\u0308ezi mitenand");
  session.data = {};
  await unlock("gr\u00fcezi mitenand");
  assert.equal(await readKey(A), KEY);
});

test("a new key keeps the passphrase that is set", async () => {
  await changeVault(A, KEY, "correct horse");
  await changeVault(B, "sk-other", undefined);
  session.data = {};
  await refused(readKey(B), /locked/);
  await unlock("correct horse");
  assert.equal(await readKey(B), "sk-other");
  assert.equal(await readKey(A), undefined);
});

test("a passphrase is set, changed and removed without entering the key again", async () => {
  await changeVault(A, KEY, undefined);
  for (const passphrase of ["correct horse", "another horse"]) {
    await changeVault(A, undefined, passphrase);
    session.data = {};
    await unlock(passphrase);
    assert.equal(await readKey(A), KEY);
  }
  await changeVault(A, undefined, "");
  session.data = {};
  assert.deepEqual(await vaultState(), { origin: A, protected: false, locked: false });
  assert.equal(await readKey(A), KEY);
});

test("what cannot be done while locked changes nothing", async () => {
  await changeVault(A, KEY, "correct horse");
  session.data = {};
  const before = storedText();
  await refused(changeVault(A, "sk-new", undefined), /locked/);
  await refused(changeVault(A, undefined, ""), /locked/);
  await refused(changeVault(A, undefined, "another horse"), /locked/);
  assert.equal(storedText(), before);
});

test("a lost passphrase can be left behind with the key", async () => {
  await changeVault(A, KEY, "correct horse");
  session.data = {};
  await changeVault(A, "sk-new", "better horse");
  assert.equal(await readKey(A), "sk-new");
  session.data = {};
  await changeVault(A, "sk-newer", "");
  assert.equal(await readKey(A), "sk-newer");
});

test("removing the key removes everything", async () => {
  await changeVault(A, KEY, "correct horse");
  await changeVault(A, "", undefined);
  assert.deepEqual([local.data, session.data], [{}, {}]);
  assert.deepEqual(await vaultState(), { origin: null, protected: false, locked: false });
});

test("short passphrases, and passphrases for nothing, are refused", async () => {
  await refused(changeVault(A, KEY, "short"), /too short/);
  await refused(changeVault(A, undefined, "correct horse"), /no API key/);
  assert.deepEqual(local.data, {});
});

// --- settings ----------------------------------------------------------------------------------------------------------

test("settings are stored without blanks around them and without what is unknown", async () => {
  const given = settings({
    base_url: ` ${A}/v1 `,
    model: " m ",
    name: "",
    odd: 1,
    instructions: " Be brief. ",
    http_headers: {},
  });
  assert.deepEqual(checkSettings(given), settings({ name: "a.test", instructions: "Be brief." }));
});

const BAD = /** @type {const} */ ([
  [{ base_url: "" }, /^Base URL: it is empty/],
  [{ base_url: "openai" }, /^Base URL: this is not a web address/],
  [{ base_url: "ftp://a.test" }, /^Base URL: it must begin with/],
  [{ base_url: "https://me:pw@a.test/" }, /^Base URL: it holds a user name or password/],
  [{ base_url: "https://YOUR-RESOURCE.openai.azure.com/openai/v1" }, /^Base URL: .*placeholder/],
  [{ wire_api: "grpc" }, /^Wire API/],
  [{ model: " " }, /^Model: it is empty/],
  [{ model: "my model" }, /^Model: a name has no blanks/],
  [{ http_headers: ["X"] }, /^http_headers/],
  [{ query_params: { a: 1 } }, /^query_params/],
]);

for (const [fields, message] of BAD) {
  test(`refused: ${JSON.stringify(fields)}`, async () => {
    await refused(saveSettings(settings(fields), KEY, undefined), message);
    assert.deepEqual(local.data, {});
  });
}

for (const value of [undefined, null, "x", 5, []]) {
  test(`refused: ${JSON.stringify(value)} instead of settings`, () =>
    refused(saveSettings(value, KEY, undefined), /^Base URL/));
}

for (const key of ["sk with blank", "sk-\u00e4", "sk-\u2026", "a\nb"]) {
  test(`refused key: ${JSON.stringify(key)}`, async () => {
    await refused(saveSettings(settings(), key, undefined), /^API key: it holds/);
    assert.deepEqual(local.data, {});
  });
}

test("a saved key is used for the next turn", async () => {
  await saveSettings(settings(), ` ${KEY}\n`, undefined);
  assert.deepEqual(await currentConnection(), { settings: settings(), api_key: KEY });
  assert.deepEqual(await providerView(), { configured: true, demo: false, locked: false, name: "A", model: "m" });
});

test("a key never follows the base URL to another origin", async () => {
  await saveSettings(settings(), KEY, undefined);
  const moved = settings({ base_url: `${B}/v1` });
  await refused(
    saveSettings(moved, undefined, undefined),
    /belongs to https:\/\/a\.test and is not sent to https:\/\/b\.test/,
  );
  await refused(trialConnection(moved, undefined), /belongs to/);
  assert.deepEqual(await currentConnection(), { settings: settings(), api_key: KEY });
  for (const base_url of ["http://a.test/v1", "https://a.test:444/v1", "https://a.test.evil/v1"]) {
    await refused(saveSettings(settings({ base_url }), undefined, undefined), /belongs to/);
  }
  await saveSettings(moved, "sk-b", undefined);
  assert.deepEqual(await currentConnection(), { settings: moved, api_key: "sk-b" });
});

test("another path of the same origin keeps the key", async () => {
  await saveSettings(settings(), KEY, undefined);
  const moved = settings({ base_url: `${A}/other/v2` });
  await saveSettings(moved, undefined, undefined);
  assert.deepEqual(await currentConnection(), { settings: moved, api_key: KEY });
});

test("a local server goes without a key, and the stored one is there again afterwards", async () => {
  await saveSettings(settings(), KEY, undefined);
  for (const base_url of ["http://localhost:11434/v1", "http://127.0.0.1:1234/v1", "http://[::1]:8080/v1"]) {
    await saveSettings(settings({ base_url }), undefined, undefined);
    assert.deepEqual(await currentConnection(), { settings: settings({ base_url }) });
  }
  await saveSettings(settings(), undefined, undefined);
  assert.equal((await currentConnection()).api_key, KEY);
});

test("a trial uses the key that is typed, or the stored one, and stores nothing", async () => {
  await saveSettings(settings(), KEY, undefined);
  const before = storedText();
  assert.equal((await trialConnection(settings({ model: "" }), undefined)).api_key, KEY);
  assert.equal((await trialConnection(settings({ base_url: B }), "sk-b")).api_key, "sk-b");
  assert.equal((await trialConnection(settings(), "")).api_key, undefined);
  assert.equal(storedText(), before);
});

test("a locked key is said before anything is sent", async () => {
  await saveSettings(settings(), KEY, "correct horse");
  session.data = {};
  assert.equal((await providerView()).locked, true);
  await refused(currentConnection(), /locked/);
});

test("without settings and without a demo nobody answers", async () => {
  assert.deepEqual(await providerView(), { configured: false, demo: false, locked: false, name: "", model: "" });
  await refused(currentConnection(), /No provider is set up/);
});

test("errors for the pages hold no detail that was not meant for people", () => {
  assert.deepEqual(toTurnError(new TypeError(`bad ${KEY}`)).message, "Something in Sidestream failed (TypeError).");
  assert.match(toTurnError(new DOMException("x", "QuotaExceededError")).message, /disk is full/);
});
