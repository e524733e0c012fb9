/**
 * What the form holds as settings, and what is wrong with it. No DOM here.
 */

import { hostOf } from "../shared/address.js";
import { isLoopback } from "../shared/loopback.js";
import { labelOfPreset, PRESETS, presetOf } from "../shared/presets.js";
import { FIELDS, messageAtField, passphraseProblem, readApiKey, readProfile } from "../shared/profile-schema.js";
import { NUMBER_NAMES, parseNumber, ungrouped } from "../shared/ranges.js";
import { text } from "../shared/text.js";

/** @import {Settings} from "../shared/protocol.js" */
/** @import {Field} from "../shared/profile-schema.js" */

/**
 * The form's fields as text, as they stand. They have the names of the settings that they become.
 * @typedef {Record<Field, string>} Values
 *   `background` is empty, or "yes". `stream_idle_timeout_ms` is in minutes. `http_headers` and `query_params` have an
 *   entry on each line.
 */

/** @typedef {{field: Field, message: string}} FieldError */

/** The origins that Chrome granted at installation. */
const INSTALLED = ["https://api.openai.com", "http://127.0.0.1", "http://localhost"];
/** Where the tokens of a ChatGPT sign-in are renewed. */
const SIGN_IN_URL = "https://auth.openai.com/oauth/token";
const MINUTE_MS = 60_000;

/**
 * @param {Values} values
 * @param {object} options
 * @param {boolean} options.hasKey  A key for this address is stored.
 * @param {boolean} [options.hasSignIn]  A sign-in for this address is stored.
 * @param {boolean} options.needsModel
 * @returns {{settings: Settings, errors: FieldError[]}}  The settings are usable when there are no errors. Errors come
 *   in the order of the fields.
 */
export function readForm(values, { hasKey, hasSignIn = false, needsModel }) {
  const preset = presetOf(values.preset);
  const headers = parseLines(values.http_headers, ":");
  const query = parseLines(values.query_params, "=");
  const { settings, problems } = readProfile(
    {
      ...values,
      ...Object.fromEntries(NUMBER_NAMES.map((name) => [name, parseNumber(name, values[name])])),
      name: values.name.trim() || preset.name,
      wire_api: values.wire_api === "chat" ? "chat" : "responses",
      context_window: parseTokens(values.context_window),
      stream_idle_timeout_ms: parseMinutes(values.stream_idle_timeout_ms),
      background: values.background !== "" && keepsAnswers(values),
      http_headers: headers.entries,
      query_params: query.entries,
    },
    { modelNeeded: needsModel },
  );
  const errors = [
    ...problems.map((problem) => ({ field: problem.field, message: messageAtField(problem) })),
    ...secretErrors(values, { hasKey, hasSignIn }),
  ];
  if (headers.wrong) errors.push({ field: "http_headers", message: text("options_header_line", headers.wrong) });
  if (query.wrong) errors.push({ field: "query_params", message: text("options_query_line", query.wrong) });
  errors.sort((one, other) => FIELDS.indexOf(one.field) - FIELDS.indexOf(other.field));
  return { settings, errors };
}

/**
 * What is wrong with key, sign-in and passphrase, which are stored apart from the settings.
 * @param {Values} values
 * @param {{hasKey: boolean, hasSignIn: boolean}} stored
 * @returns {FieldError[]}
 */
function secretErrors(values, { hasKey, hasSignIn }) {
  const preset = presetOf(values.preset);
  /** @type {FieldError[]} */
  const errors = [];
  if (preset.needs_sign_in && !hasSignIn) {
    errors.push({ field: "preset", message: text("options_sign_in_missing", labelOfPreset(preset)) });
  }
  const { key, problem } = readApiKey(values.api_key);
  if (problem) errors.push({ field: "api_key", message: messageAtField(problem) });
  else if (preset.needs_key && !key && !hasKey)
    errors.push({
      field: "api_key",
      message: text("options_key_missing", labelOfPreset(preset)),
    });
  const tooShort = passphraseProblem(values.passphrase);
  if (tooShort) errors.push(tooShort);
  return errors;
}

/** @param {string} typed @returns {number | undefined}  NaN for what is no count of tokens. */
function parseTokens(typed) {
  const digits = ungrouped(typed.trim());
  if (!digits) return undefined;
  return /^\d{1,9}$/.test(digits) ? Number(digits) : Number.NaN;
}

/**
 * @param {string} typed  Minutes.
 * @returns {number | undefined}  Milliseconds; NaN for what is no span of a second or more.
 */
function parseMinutes(typed) {
  const digits = typed.trim().replace(",", ".");
  if (!digits) return undefined;
  const milliseconds = Math.round(Number(digits) * MINUTE_MS);
  return /^\d{1,4}(\.\d{1,3})?$/.test(digits) && milliseconds >= 1000 ? milliseconds : Number.NaN;
}

/**
 * Whether the provider may be asked to keep answers: those of the Responses API may, but for these two.
 * @param {Pick<Values, "preset" | "wire_api">} values
 */
export function keepsAnswers({ preset, wire_api }) {
  return wire_api === "responses" && preset !== "chatgpt" && preset !== "openrouter";
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
    base_url: settings.base_url,
    wire_api: settings.wire_api,
    api_key: "",
    model: settings.model,
    instructions: settings.instructions ?? "",
    passphrase: "",
    effort: settings.effort ?? "",
    summary: settings.summary ?? "",
    verbosity: settings.verbosity ?? "",
    compaction: settings.compaction === "summarise" ? "" : (settings.compaction ?? ""),
    context_window: String(settings.context_window ?? ""),
    background: settings.background ? "yes" : "",
    stream_idle_timeout_ms: settings.stream_idle_timeout_ms ? String(settings.stream_idle_timeout_ms / MINUTE_MS) : "",
    temperature: String(settings.temperature ?? ""),
    top_p: String(settings.top_p ?? ""),
    max_output_tokens: String(settings.max_output_tokens ?? ""),
    request_max_retries: String(settings.request_max_retries ?? ""),
    stream_max_retries: String(settings.stream_max_retries ?? ""),
    max_waiting: String(settings.max_waiting ?? ""),
    requests_per_minute: String(settings.requests_per_minute ?? ""),
    organization: settings.organization ?? "",
    project: settings.project ?? "",
    http_headers: formatLines(settings.http_headers, ": "),
    query_params: formatLines(settings.query_params, "="),
  };
}

/**
 * Lines of names and values. A later line wins over an earlier one of the same name.
 * @param {string} lines
 * @param {":" | "="} separator
 * @returns {{entries: Record<string, string>, wrong?: string}}  `wrong` is the first line that is none.
 */
export function parseLines(lines, separator) {
  /** @type {[string, string][]} */
  const entries = [];
  for (const line of lines.split("\n").map((each) => each.trim())) {
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
 * @param {string} content
 * @returns {string[]}
 */
export function permissionsForAuthJson(content) {
  try {
    const preset = PRESETS.find(({ needs_sign_in }) => needs_sign_in);
    return preset && JSON.parse(content).tokens
      ? permissionsFor({ preset: preset.key, base_url: preset.base_url })
      : [];
  } catch {
    return [];
  }
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
