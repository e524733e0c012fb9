import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  fieldOfError,
  isInsecure,
  parseLines,
  permissionFor,
  permissionsFor,
  permissionsForAuthJson,
  readForm,
  valuesOf,
} from "../../extension/options/form.js";
import { PRESETS } from "../../extension/shared/presets.js";

import { effortsOf } from "../../extension/ui/choices.js";

/** @import {Values} from "../../extension/options/form.js" */

/**
 * @param {Partial<Values>} [fields]
 * @returns {Values}
 */
function values(fields = {}) {
  return {
    preset: "openai",
    name: "",
    baseUrl: "https://api.openai.com/v1",
    wireApi: "responses",
    apiKey: "sk-1",
    model: "gpt-5.1",
    instructions: "",
    passphrase: "",
    effort: "",
    summary: "",
    verbosity: "",
    temperature: "",
    topP: "",
    maxOutput: "",
    compaction: "",
    contextWindow: "",
    background: "",
    patience: "",
    requestRetries: "",
    streamRetries: "",
    maxWaiting: "",
    perMinute: "",
    organization: "",
    project: "",
    headers: "",
    query: "",
    ...fields,
  };
}

/** @param {Partial<Values>} fields */
function faults(fields, { hasKey = false, needsModel = true } = {}) {
  return readForm(values(fields), { hasKey, needsModel }).errors.map((error) => error.field);
}

test("the presets agree with those of the core", () => {
  const python = readFileSync(new URL("../../pysrc/sidestream/provider.py", import.meta.url), "utf8");
  for (const preset of PRESETS) {
    const [, entry] = python.split(new RegExp(`ProviderPreset\\(\\s*key="${preset.key}",`));
    assert.ok(entry, preset.key);
    const [block] = entry.split("ProviderPreset(");
    assert.ok(block.includes(`label="${preset.label}"`), preset.key);
    assert.ok(block.includes(`base_url="${preset.base_url}"`), preset.key);
    assert.equal(block.includes("wire_api=WireApi.CHAT"), preset.wire_api === "chat", preset.key);
    assert.equal(block.includes("needs_key=False"), !preset.needs_key, preset.key);
    if (preset.name) assert.ok(block.includes(`name="${preset.name}"`), preset.key);
  }
});

test("what is filled in becomes settings, and settings fill the form", () => {
  const filled = values({
    baseUrl: " https://api.openai.com/v1 ",
    model: " gpt-5.1 ",
    instructions: "Be brief.\n",
    effort: "xhigh",
    summary: "concise",
    verbosity: "low",
    temperature: "0,7",
    topP: ".9",
    maxOutput: "4,096",
    requestRetries: "0",
    streamRetries: "2",
    maxWaiting: "20",
    perMinute: "30",
    organization: " org-1 ",
    project: "proj_1",
    compaction: "trim",
    contextWindow: " 128 000 ",
    patience: "7,5",
    headers: "X-Team: blue: sky\n\nX-Empty:",
    query: "api-version=2025-04-01-preview",
  });
  const { settings, errors } = readForm(filled, { hasKey: false, needsModel: true });
  assert.deepEqual(errors, []);
  assert.deepEqual(settings, {
    preset: "openai",
    name: "OpenAI",
    base_url: "https://api.openai.com/v1",
    wire_api: "responses",
    model: "gpt-5.1",
    instructions: "Be brief.",
    effort: "xhigh",
    summary: "concise",
    verbosity: "low",
    compaction: "trim",
    context_window: 128_000,
    stream_idle_timeout_ms: 450_000,
    temperature: 0.7,
    top_p: 0.9,
    max_output_tokens: 4096,
    request_max_retries: 0,
    stream_max_retries: 2,
    max_waiting: 20,
    requests_per_minute: 30,
    organization: "org-1",
    project: "proj_1",
    http_headers: { "X-Team": "blue: sky", "X-Empty": "" },
    query_params: { "api-version": "2025-04-01-preview" },
  });
  assert.ok(!JSON.stringify(settings).includes("sk-1"), "the key travels apart");
  assert.deepEqual(
    readForm({ ...valuesOf(settings), apiKey: "sk-1" }, { hasKey: false, needsModel: true }).settings,
    settings,
  );
});

/** @type {[Partial<Values>, string[]][]} */
const FAULTS = [
  [{ baseUrl: "" }, ["baseUrl"]],
  [{ baseUrl: "not a url" }, ["baseUrl"]],
  [{ baseUrl: "ftp://x/v1" }, ["baseUrl"]],
  [{ baseUrl: "http://" }, ["baseUrl"]],
  [{ baseUrl: "https://me:secret@host/v1" }, ["baseUrl"]],
  [{ baseUrl: "https://YOUR-RESOURCE.openai.azure.com/openai/v1" }, ["baseUrl"]],
  [{ apiKey: "" }, ["apiKey"]],
  [{ apiKey: "sk 1" }, ["apiKey"]],
  [{ apiKey: "sk-é" }, ["apiKey"]],
  [{ model: " " }, ["model"]],
  [{ apiKey: "Bearer " }, ["apiKey"]],
  [{ apiKey: '{"tokens": {}}' }, ["apiKey"]],
  [{ temperature: "9" }, ["temperature"]],
  [{ temperature: "-0.1" }, ["temperature"]],
  [{ temperature: "warm" }, ["temperature"]],
  [{ temperature: "1e0" }, ["temperature"]],
  [{ topP: "1.01" }, ["topP"]],
  [{ topP: "0" }, ["topP"]],
  [{ maxOutput: "0" }, ["maxOutput"]],
  [{ maxOutput: "0.5" }, ["maxOutput"]],
  [{ requestRetries: "101" }, ["requestRetries"]],
  [{ streamRetries: "1.5" }, ["streamRetries"]],
  [{ maxWaiting: "0" }, ["maxWaiting"]],
  [{ perMinute: "many" }, ["perMinute"]],
  [{ organization: "my org" }, ["organization"]],
  [{ project: "é" }, ["project"]],
  [{ passphrase: "short" }, ["passphrase"]],
  [{ contextWindow: "128k" }, ["contextWindow"]],
  [{ contextWindow: "999" }, ["contextWindow"]],
  [{ contextWindow: "4096.5" }, ["contextWindow"]],
  [{ contextWindow: "-4096" }, ["contextWindow"]],
  [{ patience: "0" }, ["patience"]],
  [{ patience: "1441" }, ["patience"]],
  [{ patience: "ten" }, ["patience"]],
  [{ headers: "no colon" }, ["headers"]],
  [{ headers: "bad name: x" }, ["headers"]],
  [{ headers: "X: 漢" }, ["headers"]],
  [{ query: "no equals sign" }, ["query"]],
  [{ baseUrl: "", apiKey: "", model: "" }, ["baseUrl", "apiKey", "model"]],
];
for (const [fields, expected] of FAULTS) {
  test(`faults of ${JSON.stringify(fields)}`, () => assert.deepEqual(faults(fields), expected));
}

test("a model's name keeps its blanks and slashes, and loses those around it", () => {
  for (const name of ["Meta Llama 3.1 8B Instruct", "openai/gpt-oss-20b", "a//b", "C:\\models\\x.gguf"]) {
    const { settings, errors } = readForm(values({ model: ` ${name}\u00a0` }), { hasKey: true, needsModel: true });
    assert.deepEqual([settings.model, errors], [name, []]);
  }
});

test("the efforts on offer are those of the model, and without any knowledge all but the rarest", () => {
  // cline/cline#12947, Zoo-Code-Org/Zoo-Code#713: "max" cannot be chosen. JohnnyZ93/oai-compatible-copilot#267: it is there for
  // models that do not take it.
  const names = (/** @type {string[] | undefined} */ known) => effortsOf(known).map(([effort]) => effort);
  assert.deepEqual(names(undefined), ["none", "minimal", "low", "medium", "high", "xhigh", "max"]);
  assert.deepEqual(names([]), names(undefined));
  assert.deepEqual(effortsOf(["low", "max", "ultra", "own"]), [
    ["low", "Low"],
    ["max", "Max"],
    ["ultra", "Ultra"],
    ["own", "own"],
  ]);
});

test("a temperature of 0 is a choice", () => {
  const { settings } = readForm(values({ temperature: "0" }), { hasKey: true, needsModel: true });
  assert.equal(settings.temperature, 0);
  assert.equal(valuesOf(settings).temperature, "0");
});

test("what is left empty is not among the settings", () => {
  const { settings } = readForm(values(), { hasKey: true, needsModel: true });
  assert.deepEqual(Object.keys(settings), ["preset", "name", "base_url", "wire_api", "model"]);
});

test("a context window is taken as people write large numbers", () => {
  for (const text of ["128000", "128,000", "128.000", "128'000", "128\u202f000"]) {
    const { settings } = readForm(values({ contextWindow: text }), { hasKey: true, needsModel: true });
    assert.equal(settings.context_window, 128_000, text);
  }
});

test("the way to handle a full context that is the default is shown as the default", () => {
  const { settings } = readForm(values(), { hasKey: true, needsModel: true });
  assert.equal(settings.compaction, undefined);
  assert.equal(valuesOf({ ...settings, compaction: "summarise" }).compaction, "");
  assert.equal(valuesOf({ ...settings, compaction: "off" }).compaction, "off");
});

test("answers are kept where the user says so and the provider can", () => {
  const kept = (/** @type {Partial<Values>} */ fields) =>
    readForm(values({ background: "yes", ...fields }), { hasKey: true, needsModel: true }).settings.background;
  assert.equal(kept({}), true);
  assert.equal(kept({ background: "" }), undefined);
  assert.equal(kept({ wireApi: "chat" }), undefined);
  assert.equal(kept({ preset: "chatgpt" }), undefined);
  assert.equal(kept({ preset: "openrouter" }), undefined);
  const { settings } = readForm(values({ background: "yes" }), { hasKey: true, needsModel: true });
  assert.equal(valuesOf(settings).background, "yes");
  assert.equal(valuesOf({ ...settings, background: undefined }).background, "");
});

test("no key is asked for where one is stored or none is needed", () => {
  assert.deepEqual(faults({ apiKey: "" }, { hasKey: true }), []);
  assert.deepEqual(faults({ preset: "ollama", baseUrl: "http://localhost:11434/v1", apiKey: "" }), []);
  assert.deepEqual(faults({ model: "" }, { needsModel: false }), []);
});

test("lines of names and values", () => {
  assert.deepEqual(parseLines("a: 1\r\n b : 2 \n\na: 3", ":"), { entries: { a: "3", b: "2" } });
  assert.deepEqual(parseLines(": 1", ":"), { entries: {}, wrong: ": 1" });
});

test("only one host is asked for, and none that is granted already", () => {
  assert.equal(permissionFor("https://api.openai.com/v1"), undefined);
  assert.equal(permissionFor("http://localhost:11434/v1"), undefined);
  assert.equal(permissionFor("http://127.0.0.1:8000/v1"), undefined);
  assert.equal(permissionFor("https://openrouter.ai/api/v1"), "https://openrouter.ai/*");
  assert.equal(permissionFor("http://192.168.0.5:8080/v1"), "http://192.168.0.5/*");
  assert.equal(permissionFor("https://localhost/v1"), "https://localhost/*");
});

test("a sign-in needs the origin that renews it as well", () => {
  const both = ["https://chatgpt.com/*", "https://auth.openai.com/*"];
  assert.deepEqual(permissionsFor({ preset: "chatgpt", base_url: "https://chatgpt.com/backend-api/codex" }), both);
  assert.deepEqual(permissionsFor({ preset: "openai", base_url: "https://api.openai.com/v1" }), []);
  assert.deepEqual(permissionsForAuthJson('{"tokens": {"access_token": "x"}}'), both);
  for (const text of ['{"OPENAI_API_KEY": "sk-1"}', "null", "{"])
    assert.deepEqual(permissionsForAuthJson(text), [], text);
});

test("ChatGPT wants a sign-in, not a key", () => {
  const chatgpt = values({ preset: "chatgpt", baseUrl: "https://chatgpt.com/backend-api/codex", apiKey: "" });
  const fields = (/** @type {boolean} */ hasSignIn) =>
    readForm(chatgpt, { hasKey: false, hasSignIn, needsModel: true }).errors.map(({ field }) => field);
  assert.deepEqual([fields(false), fields(true)], [["preset"], []]);
});

test("a profile is called as the user likes, else like its provider or its host", () => {
  const named = (/** @type {Partial<Values>} */ fields) =>
    readForm(values(fields), { hasKey: true, needsModel: true }).settings;
  const local = { preset: "custom", baseUrl: "http://localhost:1/v1" };
  assert.equal(named({ name: " Work " }).name, "Work");
  assert.equal(named({}).name, "OpenAI");
  assert.equal(named(local).name, "localhost:1");
  assert.equal(valuesOf(named({ name: "Work" })).name, "Work");
  assert.equal(valuesOf(named({})).name, "");
  assert.equal(valuesOf(named(local)).name, "");
});

test("unencrypted connections over a network are noticed", () => {
  for (const url of ["http://192.168.0.5/v1", "http://example.org", "http://127.evil.org/"])
    assert.ok(isInsecure(url), url);
  for (const url of [
    "https://example.org",
    "http://localhost:1/",
    "http://127.0.0.1/",
    "http://[::1]/",
    "nonsense",
    "",
  ]) {
    assert.ok(!isInsecure(url), url);
  }
});

test("the worker's errors find their fields", () => {
  assert.deepEqual(fieldOfError("Base URL: it is empty."), { field: "baseUrl", message: "It is empty." });
  assert.deepEqual(
    fieldOfError("API key: the stored key belongs to https://a.example and is not sent to https://b.example."),
    {
      field: "apiKey",
      message: "The stored key belongs to https://a.example and is not sent to https://b.example.",
    },
  );
  assert.equal(fieldOfError("Give up after: it is between a moment and 24 hours.")?.field, "patience");
  assert.equal(fieldOfError("Context window: it is a whole number of tokens.")?.field, "contextWindow");
  assert.equal(fieldOfError("Temperature: it is a number from 0 to 2.")?.field, "temperature");
  assert.equal(fieldOfError("Wire API: this server has no Responses API; choose Chat Completions.")?.field, "wireApi");
  assert.equal(fieldOfError("Something else: happened"), undefined);
  assert.equal(fieldOfError("The API key is locked."), undefined);
});
