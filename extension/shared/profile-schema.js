/**
 * What the settings of a provider profile may be. The options page checks its form with this, and the worker what it
 * stores.
 *
 * A problem names its field and has a code, so nobody has to read the text to find out what is wrong and where.
 */

import { COMPACTIONS, SUMMARIES, VERBOSITIES, valuesOf } from "./choices.js";
import { UserError } from "./errors.js";
import { readKey, visible } from "./pasted-key.js";
import { presetOf } from "./presets.js";
import { NUMBER_NAMES, numberProblem } from "./ranges.js";
import { language, list, text } from "./text.js";

/** @import { Choices } from "./choices.js" */
/** @import { Settings } from "./protocol.js" */
/** @import { MessageKey } from "./text.js" */
/** @typedef {keyof Settings | "api_key" | "passphrase"} Field */
/**
 * @typedef {{field: Field, code: string, message: string, hint?: string}} Problem  Message and hint are sentences for
 *   the user.
 */

/** In tokens. With less, a conversation would hold hardly more than its instructions. */
const SMALLEST_CONTEXT = 1000;
const LONGEST_IDLE_TIMEOUT_MS = 86_400_000;
const MIN_PASSPHRASE = 8;
/** In characters. */
const LONGEST_NAME = 500;
const LONGEST_ADDRESS = 4_000;
const LONGEST_INSTRUCTIONS = 1_000_000;
/** Headers, or query parameters, of a profile. */
const MOST_ENTRIES = 100;
/** The name of a header, RFC 9110 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const NOT_IN_HEADERS = /[^\t\x20-\x7e\x80-\xff]/;

/** The label of each field. @type {Record<Field, MessageKey>} */
const LABELS = {
  preset: "settings_preset",
  name: "settings_name",
  base_url: "settings_base_url",
  wire_api: "settings_wire_api",
  api_key: "settings_api_key",
  model: "settings_model",
  instructions: "settings_instructions",
  passphrase: "settings_passphrase",
  effort: "settings_effort",
  summary: "settings_summary",
  verbosity: "settings_verbosity",
  max_output_tokens: "settings_max_output_tokens",
  temperature: "settings_temperature",
  top_p: "settings_top_p",
  compaction: "settings_compaction",
  context_window: "settings_context_window",
  request_max_retries: "settings_request_max_retries",
  stream_max_retries: "settings_stream_max_retries",
  max_waiting: "settings_max_waiting",
  requests_per_minute: "settings_requests_per_minute",
  stream_idle_timeout_ms: "settings_idle_timeout",
  background: "settings_background",
  organization: "settings_organization",
  project: "settings_project",
  http_headers: "settings_http_headers",
  query_params: "settings_query_params",
};

/** In the order in which the page shows them. */
export const FIELDS = /** @type {Field[]} */ (Object.keys(LABELS));

/** What a reader gives in place of a value. */
class Wrong {
  /** @param {string} code @param {string} message @param {string} [hint] */
  constructor(code, message, hint) {
    this.code = code;
    this.message = message;
    this.hint = hint;
  }
}

/** @param {string} [hint] */
const tooLong = (hint) => new Wrong("too_long", text("settings_too_long"), hint);

/**
 * The settings in what was typed, imported or sent, without anything unknown.
 * @param {unknown} value
 * @param {{modelNeeded?: boolean}} [options]
 * @returns {{settings: Settings, problems: Problem[]}}  The settings are usable when there are no problems.
 */
export function readProfile(value, { modelNeeded = true } = {}) {
  const given = /** @type {Record<string, unknown>} */ (value && typeof value === "object" ? value : {});
  const baseUrl = visible(trimmed(given.base_url));
  const settings = /** @type {Settings} */ ({
    preset: presetOf(trimmed(given.preset)).key,
    name: trimmed(given.name) || (URL.parse(baseUrl)?.host ?? ""),
    base_url: baseUrl,
    wire_api: given.wire_api,
    model: visible(trimmed(given.model)),
  });
  /** @type {Problem[]} */
  const problems = [];
  for (const [name, read] of Object.entries(READERS)) {
    const field = /** @type {keyof Settings} */ (name);
    const result = read(field in settings ? settings[field] : given[field], field);
    if (result instanceof Wrong) problems.push({ field, ...result });
    else if (result !== undefined) Object.assign(settings, { [field]: result });
  }
  // Chat Completions cannot do it. It is left out without a word, so that trying the other API costs nothing.
  if (settings.wire_api !== "responses") delete settings.background;
  if (!modelNeeded)
    return { settings, problems: problems.filter((each) => each.field !== "model" || each.code !== "empty") };
  return { settings, problems };
}

/**
 * The API key in what was pasted; undefined where none was given.
 * @param {unknown} value
 * @returns {{key?: string, problem?: Problem}}
 */
export function readApiKey(value) {
  if (value === undefined || value === null) return {};
  const { key, problem, hint } = readKey(typeof value === "string" ? value : "");
  return key === undefined ? { problem: { field: "api_key", code: "not_a_key", message: problem, hint } } : { key };
}

/**
 * What is wrong with a new passphrase; an empty one takes the protection away.
 * @param {string} passphrase
 * @returns {Problem | undefined}
 */
export function passphraseProblem(passphrase) {
  if (!passphrase || passphrase.length >= MIN_PASSPHRASE) return undefined;
  return { field: "passphrase", code: "too_short", message: text("settings_passphrase_short", MIN_PASSPHRASE) };
}

/**
 * A problem together with the label of its field, for a place where the field is not in view.
 * @param {Field} field
 * @param {string} problem
 */
export function problemText(field, problem) {
  const label = text(LABELS[field]);
  // Some sentences name their setting themselves.
  return problem.startsWith(label) ? problem : text("settings_problem", label, problem);
}

/** The error that refuses a setting. @param {Problem} problem */
export function settingError({ field, code, message, hint }) {
  return new UserError("configuration", problemText(field, message), hint, { field, code });
}

/**
 * The text of such an error beside its field, where the field's label need not be repeated.
 * @param {{field?: string, message: string, hint?: string}} error
 */
export function messageAtField({ field, message, hint }) {
  const prefix = text("settings_problem", text(LABELS[/** @type {Field} */ (field)]), "");
  const sentence = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return [sentence[0].toLocaleUpperCase(language()) + sentence.slice(1), hint].filter(Boolean).join(" ");
}

// --- one reader for each field
// -----------------------------------------------------------------------------------------

/**
 * @typedef {(value: any, field: keyof Settings) => unknown} Reader  Gives the value, undefined where there is none, or
 *   what is {@link Wrong}.
 */

/** In the order in which problems are reported. @type {Partial<Record<keyof Settings, Reader>>} */
const READERS = {
  base_url: readBaseUrl,
  wire_api: (value) =>
    value === "responses" || value === "chat" ? value : new Wrong("not_a_choice", text("settings_wire_api_choice")),
  model: readModel,
  name: upTo(LONGEST_NAME),
  instructions: upTo(LONGEST_INSTRUCTIONS),
  effort: readEffort,
  summary: oneOf(SUMMARIES),
  verbosity: oneOf(VERBOSITIES),
  compaction: oneOf(COMPACTIONS),
  context_window: readContextWindow,
  background: (value) => (value === true ? true : undefined),
  stream_idle_timeout_ms: readIdleTimeout,
  ...Object.fromEntries(NUMBER_NAMES.map((name) => [name, readSettingsNumber])),
  organization: readAccountId,
  project: readAccountId,
  http_headers: readHeaders,
  query_params: readEntries,
};

/** @param {unknown} value */
function trimmed(value) {
  return typeof value === "string" ? value.trim() : "";
}

/** @param {unknown} value */
function isAbsent(value) {
  return value === undefined || value === null;
}

/** @param {number} longest @returns {Reader} */
function upTo(longest) {
  return (value) => (trimmed(value).length > longest ? tooLong() : trimmed(value) || undefined);
}

/** @param {Choices} choices @returns {Reader} */
function oneOf(choices) {
  const values = valuesOf(choices);
  return (value) => {
    if (isAbsent(value) || value === "") return undefined;
    return values.includes(value) ? value : new Wrong("not_a_choice", text("settings_not_a_choice", list(values)));
  };
}

/** @param {string} value */
function readBaseUrl(value) {
  const example = text("settings_base_url_example");
  if (value.length > LONGEST_ADDRESS) return tooLong(example);
  if (!value) return new Wrong("empty", text("settings_base_url_empty"), example);
  if (/YOUR[-_]/.test(value)) return new Wrong("placeholder", text("settings_base_url_placeholder"));
  const url = URL.parse(value);
  if (!url) return new Wrong("not_a_url", text("settings_base_url_invalid"), example);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    return new Wrong("wrong_scheme", text("settings_base_url_scheme"), example);
  if (url.username || url.password)
    return new Wrong("holds_password", text("settings_base_url_password"), text("settings_base_url_password_hint"));
  return value;
}

/** @param {string} value */
function readModel(value) {
  if (!value) return new Wrong("empty", text("settings_model_empty"));
  if (/\p{Cc}/u.test(value))
    return new Wrong("bad_character", text("settings_model_character"), text("settings_model_character_hint"));
  return value.length > LONGEST_NAME ? tooLong() : value;
}

/** A provider may have efforts of its own. @type {Reader} */
function readEffort(value) {
  const effort = trimmed(value);
  if (/\s/.test(effort) || effort.length > LONGEST_NAME) return new Wrong("not_a_word", text("settings_effort_word"));
  return effort || undefined;
}

/** @type {Reader} */
function readContextWindow(value) {
  if (isAbsent(value)) return undefined;
  if (Number.isSafeInteger(value) && value >= SMALLEST_CONTEXT) return value;
  return new Wrong("out_of_range", text("settings_context_window_range", SMALLEST_CONTEXT));
}

/** @type {Reader} */
function readIdleTimeout(value) {
  if (isAbsent(value)) return undefined;
  if (Number.isSafeInteger(value) && value >= 1 && value <= LONGEST_IDLE_TIMEOUT_MS) return value;
  return new Wrong("out_of_range", text("settings_idle_timeout_range"));
}

/** @type {Reader} */
function readSettingsNumber(value, field) {
  if (isAbsent(value)) return undefined;
  const problem = numberProblem(/** @type {import("./ranges.js").NumberName} */ (field), value);
  return problem ? new Wrong("out_of_range", problem) : value;
}

/** It is sent as a header. @type {Reader} */
function readAccountId(value) {
  const id = trimmed(value);
  if (!/^[\x21-\x7e]{0,200}$/.test(id)) return new Wrong("not_an_id", text("settings_account_id"));
  return id || undefined;
}

/** @type {Reader} */
function readEntries(value) {
  if (isAbsent(value)) return undefined;
  if (typeof value !== "object" || Array.isArray(value))
    return new Wrong("not_entries", text("settings_entries_invalid"));
  const entries = Object.entries(value);
  if (entries.some(([, entry]) => typeof entry !== "string"))
    return new Wrong("not_entries", text("settings_entries_invalid"));
  if (entries.length > MOST_ENTRIES || entries.some((entry) => entry.join("").length > LONGEST_ADDRESS)) {
    return new Wrong("too_long", text("settings_entries_too_many", MOST_ENTRIES, LONGEST_ADDRESS));
  }
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** @type {Reader} */
function readHeaders(value, field) {
  const headers = readEntries(value, field);
  if (headers === undefined || headers instanceof Wrong) return headers;
  for (const [name, content] of Object.entries(/** @type {Record<string, string>} */ (headers))) {
    if (!HEADER_NAME.test(name)) return new Wrong("bad_header_name", text("settings_header_name", name));
    if (NOT_IN_HEADERS.test(content)) return new Wrong("bad_header_value", text("settings_header_value", name));
  }
  return headers;
}
