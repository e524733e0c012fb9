/**
 * What the form holds as settings, and what is wrong with it. No DOM here.
 */

import { isLoopback } from "../shared/loopback.js";
import { readKey, visible } from "../shared/pasted-key.js";
import { PRESETS, presetOf } from "../shared/presets.js";
import { NUMBER_NAMES, RANGES, readNumber, ungrouped } from "../shared/ranges.js";

/** @import {Settings} from "../shared/protocol.js" */
/** @import {NumberName} from "../shared/ranges.js" */

/**
 * The form's fields as text, as they stand.
 * @typedef {object} Values
 * @property {string} preset
 * @property {string} name
 * @property {string} baseUrl
 * @property {string} wireApi
 * @property {string} apiKey
 * @property {string} model
 * @property {string} instructions
 * @property {string} passphrase
 * @property {string} effort
 * @property {string} summary
 * @property {string} verbosity
 * @property {string} temperature
 * @property {string} topP
 * @property {string} maxOutput
 * @property {string} compaction
 * @property {string} contextWindow
 * @property {string} background  Empty, or "yes".
 * @property {string} patience
 * @property {string} requestRetries
 * @property {string} streamRetries
 * @property {string} maxWaiting
 * @property {string} perMinute
 * @property {string} organization
 * @property {string} project
 * @property {string} headers
 * @property {string} query
 */

/** @typedef {{field: keyof Values, message: string}} FieldError */

/** The fields in which numbers are typed. @type {Record<NumberName, keyof Values>} */
const NUMBER_FIELDS = {
  temperature: "temperature",
  top_p: "topP",
  max_output_tokens: "maxOutput",
  request_max_retries: "requestRetries",
  stream_max_retries: "streamRetries",
  max_waiting: "maxWaiting",
  requests_per_minute: "perMinute",
};
/** The origins that Chrome granted at installation. */
const INSTALLED = ["https://api.openai.com", "http://127.0.0.1", "http://localhost"];
/** Where the tokens of a ChatGPT sign-in are renewed. */
const SIGN_IN_URL = "https://auth.openai.com/oauth/token";
const URL_EXAMPLE = "It looks like https://api.openai.com/v1.";
/** In tokens. With less, a conversation would hold hardly more than its instructions. */
const SMALLEST_CONTEXT = 1000;
const LONGEST_PATIENCE_MS = 86_400_000;
/** Of a field name in a header, RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * @param {Values} values
 * @param {object} options
 * @param {boolean} options.hasKey  A key for this address is stored.
 * @param {boolean} [options.hasSignIn]  A sign-in for this address is stored.
 * @param {boolean} options.needsModel
 * @returns {{settings: Settings, errors: FieldError[]}}  The settings are usable when there are no errors.
 */
export function readForm(values, { hasKey, hasSignIn = false, needsModel }) {
  /** @type {FieldError[]} */
  const errors = [];
  const preset = presetOf(values.preset);
  if (preset.needs_sign_in && !hasSignIn) {
    errors.push({
      field: "preset",
      message: `${preset.label} needs a sign-in: import that of Codex first, at the end of this page.`,
    });
  }
  const base_url = visible(values.baseUrl);
  const urlError = checkBaseUrl(base_url);
  if (urlError) errors.push({ field: "baseUrl", message: urlError });

  const { key = "", problem } = readKey(values.apiKey);
  if (problem) errors.push({ field: "apiKey", message: problem });
  else if (preset.needs_key && !key && !hasKey)
    errors.push({ field: "apiKey", message: `Enter your API key: ${preset.label} answers nobody without one.` });

  const model = visible(values.model);
  if (needsModel && !model)
    errors.push({ field: "model", message: "Type a model's name, or load the list and pick one." });

  if (values.passphrase && values.passphrase.length < 8) {
    errors.push({ field: "passphrase", message: "Use at least 8 characters." });
  }

  const contextWindow = ungrouped(values.contextWindow.trim());
  if (contextWindow && !(/^\d{1,9}$/.test(contextWindow) && Number(contextWindow) >= SMALLEST_CONTEXT)) {
    errors.push({
      field: "contextWindow",
      message: `Enter a whole number of tokens, at least ${SMALLEST_CONTEXT}, or leave it empty.`,
    });
  }

  const patience = values.patience.trim().replace(",", ".");
  const patienceMs = Math.round(Number(patience) * 60_000);
  if (
    patience &&
    !(/^\d{1,4}(\.\d{1,3})?$/.test(patience) && patienceMs >= 1000 && patienceMs <= LONGEST_PATIENCE_MS)
  ) {
    errors.push({ field: "patience", message: "Enter a number of minutes, at most 1440, or leave it empty." });
  }

  /** @type {Partial<Record<NumberName, number>>} */
  const numbers = {};
  for (const name of NUMBER_NAMES) {
    const field = NUMBER_FIELDS[name];
    const { value, problem } = readNumber(name, values[field]);
    if (problem) errors.push({ field, message: problem });
    if (value !== undefined) numbers[name] = value;
  }

  /** @type {Pick<Settings, "organization" | "project">} */
  const account = {};
  for (const field of /** @type {const} */ (["organization", "project"])) {
    const id = values[field].trim();
    if (!/^[\x21-\x7e]{0,200}$/.test(id)) errors.push({ field, message: "Enter its id, which has no blanks." });
    else if (id) account[field] = id;
  }

  const headers = parseLines(values.headers, ":");
  if (headers.wrong) errors.push({ field: "headers", message: `“${headers.wrong}” is not of the form “Name: value”.` });
  const oddName = Object.keys(headers.entries).find((name) => !TOKEN.test(name));
  if (oddName) errors.push({ field: "headers", message: `“${oddName}” cannot be a header's name.` });
  const oddHeader = Object.entries(headers.entries).find(([, value]) => /[^\x20-\x7e\t]/.test(value));
  if (oddHeader)
    errors.push({
      field: "headers",
      message: `The value of “${oddHeader[0]}” holds a character that no header may have.`,
    });
  const query = parseLines(values.query, "=");
  if (query.wrong) errors.push({ field: "query", message: `“${query.wrong}” is not of the form “name=value”.` });

  /** @type {Settings} */
  const settings = {
    preset: preset.key,
    name: values.name.trim() || preset.name || hostOf(base_url),
    base_url,
    wire_api: values.wireApi === "chat" ? "chat" : "responses",
    model,
  };
  if (values.instructions.trim()) settings.instructions = values.instructions.trim();
  if (values.effort) settings.effort = values.effort;
  if (values.summary) settings.summary = /** @type {Settings["summary"]} */ (values.summary);
  if (values.verbosity) settings.verbosity = /** @type {Settings["verbosity"]} */ (values.verbosity);
  if (values.compaction) settings.compaction = /** @type {Settings["compaction"]} */ (values.compaction);
  if (contextWindow) settings.context_window = Number(contextWindow);
  if (values.background && keepsAnswers(values)) settings.background = true;
  if (patience) settings.stream_idle_timeout_ms = patienceMs;
  Object.assign(settings, numbers, account);
  if (Object.keys(headers.entries).length > 0) settings.http_headers = headers.entries;
  if (Object.keys(query.entries).length > 0) settings.query_params = query.entries;
  return { settings, errors };
}

/**
 * Whether the provider may be asked to keep answers: those of the Responses API may, but for these two.
 * @param {Pick<Values, "preset" | "wireApi">} values
 */
export function keepsAnswers({ preset, wireApi }) {
  return wireApi === "responses" && preset !== "chatgpt" && preset !== "openrouter";
}

/**
 * @param {Settings} settings
 * @returns {Values}
 */
export function valuesOf(settings) {
  const given = presetOf(settings.preset).name || hostOf(settings.base_url);
  return {
    preset: settings.preset,
    name: settings.name === given ? "" : settings.name,
    baseUrl: settings.base_url,
    wireApi: settings.wire_api,
    apiKey: "",
    model: settings.model,
    instructions: settings.instructions ?? "",
    passphrase: "",
    effort: settings.effort ?? "",
    summary: settings.summary ?? "",
    verbosity: settings.verbosity ?? "",
    compaction: settings.compaction === "summarise" ? "" : (settings.compaction ?? ""),
    contextWindow: String(settings.context_window ?? ""),
    background: settings.background ? "yes" : "",
    patience: settings.stream_idle_timeout_ms ? String(settings.stream_idle_timeout_ms / 60_000) : "",
    temperature: String(settings.temperature ?? ""),
    topP: String(settings.top_p ?? ""),
    maxOutput: String(settings.max_output_tokens ?? ""),
    requestRetries: String(settings.request_max_retries ?? ""),
    streamRetries: String(settings.stream_max_retries ?? ""),
    maxWaiting: String(settings.max_waiting ?? ""),
    perMinute: String(settings.requests_per_minute ?? ""),
    organization: settings.organization ?? "",
    project: settings.project ?? "",
    headers: formatLines(settings.http_headers, ": "),
    query: formatLines(settings.query_params, "="),
  };
}

/**
 * @param {string} value
 * @returns {string | undefined}  What is wrong.
 */
function checkBaseUrl(value) {
  if (!value) return `Enter the server's address. ${URL_EXAMPLE}`;
  if (/YOUR[-_]/.test(value)) return "Put your own resource's name in the place of YOUR-RESOURCE.";
  if (!URL.canParse(value)) return `This is not a web address. ${URL_EXAMPLE}`;
  const url = new URL(value);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    return `It must begin with https:// or http://. ${URL_EXAMPLE}`;
  if (url.username || url.password) return "It holds a user name or password. Put the key into the field for it.";
  return undefined;
}

/**
 * Lines of names and values. A later line wins over an earlier one of the same name.
 * @param {string} text
 * @param {":" | "="} separator
 * @returns {{entries: Record<string, string>, wrong?: string}}  `wrong` is the first line that is none.
 */
export function parseLines(text, separator) {
  /** @type {[string, string][]} */
  const entries = [];
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (!line) continue;
    const at = line.indexOf(separator);
    if (at < 1) return { entries: {}, wrong: line };
    entries.push([line.slice(0, at).trim(), line.slice(at + 1).trim()]);
  }
  return { entries: Object.fromEntries(entries) };
}

/**
 * @param {Record<string, string> | undefined} entries
 * @param {string} separator
 * @returns {string}
 */
function formatLines(entries, separator) {
  return Object.entries(entries ?? {})
    .map(([name, value]) => `${name}${separator}${value}`)
    .join("\n");
}

/**
 * What has to be asked for before this address can be reached; undefined for what Chrome granted at installation.
 * @param {string} baseUrl
 * @returns {string | undefined}  A match pattern for this host alone, whatever its port.
 */
export function permissionFor(baseUrl) {
  const { protocol, hostname } = new URL(baseUrl);
  const origin = `${protocol}//${hostname}`;
  return INSTALLED.includes(origin) ? undefined : `${origin}/*`;
}

/**
 * Everything that has to be asked for before a profile can be used.
 * @param {Pick<Settings, "preset" | "base_url">} settings
 * @returns {string[]}
 */
export function permissionsFor({ preset, base_url }) {
  const urls = presetOf(preset).needs_sign_in ? [base_url, SIGN_IN_URL] : [base_url];
  return urls.map(permissionFor).filter((pattern) => pattern !== undefined);
}

/**
 * The same for what an `auth.json` brings; nothing where it is none, since the worker will say so.
 * @param {string} text
 * @returns {string[]}
 */
export function permissionsForAuthJson(text) {
  try {
    const preset = PRESETS.find(({ needs_sign_in }) => needs_sign_in);
    return preset && JSON.parse(text).tokens ? permissionsFor({ preset: preset.key, base_url: preset.base_url }) : [];
  } catch {
    return [];
  }
}

/** @param {string} baseUrl */
export function hostOf(baseUrl) {
  return URL.canParse(baseUrl.trim()) ? new URL(baseUrl.trim()).host : "";
}

/**
 * @param {string} baseUrl
 * @returns {string | undefined}  The origin, if `baseUrl` is an address.
 */
export function originOf(baseUrl) {
  return URL.canParse(baseUrl.trim()) ? new URL(baseUrl.trim()).origin : undefined;
}

/**
 * Whether key and messages would travel unencrypted over a network.
 * @param {string} baseUrl
 * @returns {boolean}
 */
export function isInsecure(baseUrl) {
  if (!URL.canParse(baseUrl.trim())) return false;
  const { protocol, hostname } = new URL(baseUrl.trim());
  return protocol === "http:" && !isLoopback(hostname);
}

/** How the worker's messages name the fields. */
const FIELD_NAMES = /** @type {Map<string, keyof Values>} */ (
  new Map([
    ["Base URL", "baseUrl"],
    ["Wire API", "wireApi"],
    ["API key", "apiKey"],
    ["Model", "model"],
    ["Passphrase", "passphrase"],
    ["Reasoning effort", "effort"],
    ["Reasoning summary", "summary"],
    ["Verbosity", "verbosity"],
    ...NUMBER_NAMES.map((name) => /** @type {const} */ ([RANGES[name].label, NUMBER_FIELDS[name]])),
    ["Organization", "organization"],
    ["Project", "project"],
    ["When the context is full", "compaction"],
    ["Context window", "contextWindow"],
    ["Give up after", "patience"],
    ["http_headers", "headers"],
    ["query_params", "query"],
  ])
);

/**
 * The field that an error of the worker is about.
 * @param {string} message  Such as "Model: it is empty."
 * @returns {FieldError | undefined}
 */
export function fieldOfError(message) {
  const [name, rest] = message.split(/:\s+(.*)/s);
  const field = FIELD_NAMES.get(name);
  return field && rest ? { field, message: rest[0].toUpperCase() + rest.slice(1) } : undefined;
}
