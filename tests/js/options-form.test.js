import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  isInsecure,
  parseLines,
  permissionFor,
  permissionsFor,
  permissionsForAuthJson,
  readForm,
  valuesOf,
} from "../../extension/options/form.js";
import { PRESETS } from "../../extension/shared/presets.js";
import { messageAtField, readProfile } from "../../extension/shared/profile-schema.js";

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
    base_url: "https://api.openai.com/v1",
    wire_api: "responses",
    api_key: "sk-1",
    model: "gpt-5.1",
    instructions: "",
    passphrase: "",
    effort: "",
    summary: "",
    verbosity: "",
    temperature: "",
    top_p: "",
    max_output_tokens: "",
    compaction: "",
    context_window: "",
    background: "",
    stream_idle_timeout_ms: "",
    request_max_retries: "",
    stream_max_retries: "",
    max_waiting: "",
    requests_per_minute: "",
    organization: "",
    project: "",
    http_headers: "",
    query_params: "",
    ...fields,
  };
}

/** @param {Partial<Values>} fields */
function faults(fields, { hasKey = false, needsModel = true } = {}) {
  return readForm(values(fields), { hasKey, needsModel }).errors.map((error) => error.field);
}

test("the presets agree with those of the core", () => {
  const python = readFileSync(new URL("../../pysrc/sidestream/presets.py", import.meta.url), "utf8");
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

test("one model of OpenAI is the example everywhere", () => {
  const read = (/** @type {string} */ path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const python = ["pysrc/sidestream/presets.py", "pysrc/sidestream/__main__.py"].map(read);
  const messages = Object.values(JSON.parse(read("extension/_locales/en/messages.json"))).map(({ message }) => message);
  const texts = [...PRESETS.map(({ model = "" }) => model), ...messages, ...python];
  const models = texts.join("\n").match(/gpt-\d[\w.-]*\w/g) ?? [];
  assert.deepEqual([...new Set(models)], [PRESETS[0].model]);
});

test("what is filled in becomes settings, and settings fill the form", () => {
  const filled = values({
    base_url: " https://api.openai.com/v1 ",
    model: " gpt-5.1 ",
    instructions: "Be brief.\n",
    effort: "xhigh",
    summary: "concise",
    verbosity: "low",
    temperature: "0,7",
    top_p: ".9",
    max_output_tokens: "4,096",
    request_max_retries: "0",
    stream_max_retries: "2",
    max_waiting: "20",
    requests_per_minute: "30",
    organization: " org-1 ",
    project: "proj_1",
    compaction: "trim",
    context_window: " 128 000 ",
    stream_idle_timeout_ms: "7,5",
    http_headers: "X-Team: blue: sky\n\nX-Empty:",
    query_params: "api-version=2025-04-01-preview",
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
    readForm({ ...valuesOf(settings), api_key: "sk-1" }, { hasKey: false, needsModel: true }).settings,
    settings,
  );
});

/** @type {[Partial<Values>, string[]][]} */
const FAULTS = [
  [{ base_url: "" }, ["base_url"]],
  [{ base_url: "not a url" }, ["base_url"]],
  [{ base_url: "ftp://x/v1" }, ["base_url"]],
  [{ base_url: "http://" }, ["base_url"]],
  [{ base_url: "https://me:secret@host/v1" }, ["base_url"]],
  [{ base_url: "https://YOUR-RESOURCE.openai.azure.com/openai/v1" }, ["base_url"]],
  [{ api_key: "" }, ["api_key"]],
  [{ api_key: "sk 1" }, ["api_key"]],
  [{ api_key: "sk-é" }, ["api_key"]],
  [{ model: " " }, ["model"]],
  [{ api_key: "Bearer " }, ["api_key"]],
  [{ api_key: '{"tokens": {}}' }, ["api_key"]],
  [{ temperature: "9" }, ["temperature"]],
  [{ temperature: "-0.1" }, ["temperature"]],
  [{ temperature: "warm" }, ["temperature"]],
  [{ temperature: "1e0" }, ["temperature"]],
  [{ top_p: "1.01" }, ["top_p"]],
  [{ top_p: "0" }, ["top_p"]],
  [{ max_output_tokens: "0" }, ["max_output_tokens"]],
  [{ max_output_tokens: "0.5" }, ["max_output_tokens"]],
  [{ request_max_retries: "101" }, ["request_max_retries"]],
  [{ stream_max_retries: "1.5" }, ["stream_max_retries"]],
  [{ max_waiting: "0" }, ["max_waiting"]],
  [{ requests_per_minute: "many" }, ["requests_per_minute"]],
  [{ organization: "my org" }, ["organization"]],
  [{ project: "é" }, ["project"]],
  [{ passphrase: "short" }, ["passphrase"]],
  [{ context_window: "128k" }, ["context_window"]],
  [{ context_window: "999" }, ["context_window"]],
  [{ context_window: "4096.5" }, ["context_window"]],
  [{ context_window: "-4096" }, ["context_window"]],
  [{ stream_idle_timeout_ms: "0" }, ["stream_idle_timeout_ms"]],
  [{ stream_idle_timeout_ms: "1441" }, ["stream_idle_timeout_ms"]],
  [{ stream_idle_timeout_ms: "ten" }, ["stream_idle_timeout_ms"]],
  [{ http_headers: "no colon" }, ["http_headers"]],
  [{ http_headers: "bad name: x" }, ["http_headers"]],
  [{ http_headers: "X: 漢" }, ["http_headers"]],
  [{ query_params: "no equals sign" }, ["query_params"]],
  [{ base_url: "", api_key: "", model: "" }, ["base_url", "api_key", "model"]],
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
  // cline/cline#12947, Zoo-Code-Org/Zoo-Code#713: "max" cannot be chosen. JohnnyZ93/oai-compatible-copilot#267: it is
  // there for models that do not take it.
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
    const { settings } = readForm(values({ context_window: text }), { hasKey: true, needsModel: true });
    assert.equal(settings.context_window, 128_000, text);
  }
});

test("the way to handle a full context that is the default is shown as the default", () => {
  const { settings } = readForm(values(), { hasKey: true, needsModel: true });
  assert.equal(settings.compaction, undefined);
  assert.equal(valuesOf({ ...settings, compaction: "summarise" }).compaction, "");
  assert.equal(valuesOf({ ...settings, compaction: "off" }).compaction, "off");
});

test("answers are stored where the user wants it and the provider can", () => {
  const kept = (/** @type {Partial<Values>} */ fields) =>
    readForm(values({ background: "yes", ...fields }), { hasKey: true, needsModel: true }).settings.background;
  assert.equal(kept({}), true);
  assert.equal(kept({ background: "" }), undefined);
  assert.equal(kept({ wire_api: "chat" }), undefined);
  assert.equal(kept({ preset: "chatgpt" }), undefined);
  assert.equal(kept({ preset: "openrouter" }), undefined);
  const { settings } = readForm(values({ background: "yes" }), { hasKey: true, needsModel: true });
  assert.equal(valuesOf(settings).background, "yes");
  assert.equal(valuesOf({ ...settings, background: undefined }).background, "");
});

test("no key is asked for where one is stored or none is needed", () => {
  assert.deepEqual(faults({ api_key: "" }, { hasKey: true }), []);
  assert.deepEqual(faults({ preset: "ollama", base_url: "http://localhost:11434/v1", api_key: "" }), []);
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
  const chatgpt = values({ preset: "chatgpt", base_url: "https://chatgpt.com/backend-api/codex", api_key: "" });
  const fields = (/** @type {boolean} */ hasSignIn) =>
    readForm(chatgpt, { hasKey: false, hasSignIn, needsModel: true }).errors.map(({ field }) => field);
  assert.deepEqual([fields(false), fields(true)], [["preset"], []]);
});

test("a profile is called as the user likes, else like its provider or its host", () => {
  const named = (/** @type {Partial<Values>} */ fields) =>
    readForm(values(fields), { hasKey: true, needsModel: true }).settings;
  const local = { preset: "custom", base_url: "http://localhost:1/v1" };
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

test("beside its field, an error does not repeat the field's name", () => {
  const message = "API key: the stored key belongs to https://a.example and is not sent to https://b.example.";
  assert.equal(
    messageAtField({ field: "api_key", message, hint: "Enter the key." }),
    "The stored key belongs to https://a.example and is not sent to https://b.example. Enter the key.",
  );
  const foreign = "Wire API: this server has no Responses API; choose Chat Completions.";
  assert.equal(
    messageAtField({ field: "wire_api", message: foreign }),
    "This server has no Responses API; choose Chat Completions.",
  );
});

test("the form and the worker refuse the same with the same sentence", () => {
  const { errors } = readForm(values({ temperature: "9", model: "my\nmodel" }), { hasKey: true, needsModel: true });
  const { problems } = readProfile({
    ...readForm(values(), { hasKey: true, needsModel: true }).settings,
    temperature: 9,
    model: "my\nmodel",
  });
  const said = problems.map((problem) => ({ field: problem.field, message: messageAtField(problem) }));
  assert.deepEqual(errors, said);
  assert.deepEqual(
    problems.map(({ field, code }) => [field, code]),
    [
      ["model", "bad_character"],
      ["temperature", "out_of_range"],
    ],
  );
});
