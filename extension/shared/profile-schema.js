/**
 * What the settings of a provider profile may be. The options page checks its form with this, and the worker what it
 * stores.
 *
 * A problem names its field and has a code, so nobody has to read the text to find out what is wrong and where.
 */

import { UserError } from "./errors.js";
import { readKey, visible } from "./pasted-key.js";
import { presetOf } from "./presets.js";
import { NUMBER_NAMES, numberProblem, RANGES } from "./ranges.js";

/** @import { Settings } from "./protocol.js" */
/** @typedef {keyof Settings | "api_key" | "passphrase"} Field */
/**
 * @typedef {{field: Field, code: string, message: string, hint?: string}} Problem  Message and hint are sentences for
 *   the user.
 */

export const VERBOSITIES = /** @type {const} */ (["low", "medium", "high"]);
export const SUMMARIES = /** @type {const} */ (["off", "auto", "concise", "detailed"]);
export const COMPACTIONS = /** @type {const} */ (["summarise", "trim", "off"]);

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
const URL_EXAMPLE = "It looks like https://api.openai.com/v1.";

/** What the page calls each field. @type {Record<Field, string>} */
export const LABELS = {
  preset: "Provider",
  name: "Name",
  base_url: "Base URL",
  wire_api: "Wire API",
  api_key: "API key",
  model: "Model",
  instructions: "Instructions",
  passphrase: "Passphrase",
  effort: "Reasoning effort",
  summary: "Reasoning summary",
  verbosity: "Verbosity",
  max_output_tokens: RANGES.max_output_tokens.label,
  temperature: RANGES.temperature.label,
  top_p: RANGES.top_p.label,
  compaction: "When the context is full",
  context_window: "Context window",
  request_max_retries: RANGES.request_max_retries.label,
  stream_max_retries: RANGES.stream_max_retries.label,
  max_waiting: RANGES.max_waiting.label,
  requests_per_minute: RANGES.requests_per_minute.label,
  stream_idle_timeout_ms: "Give up after",
  background: "Background",
  organization: "Organization",
  project: "Project",
  http_headers: "Extra headers",
  query_params: "Query parameters",
};

/** What a reader gives in place of a value. */
class Wrong {
  /** @param {string} code @param {string} message @param {string} [hint] */
  constructor(code, message, hint) {
    this.code = code;
    this.message = message;
    this.hint = hint;
  }
}

const TOO_LONG = new Wrong("too_long", "It is too long.");

/**
 * The settings in what was typed, imported or sent, without anything unknown.
 * @param {unknown} value
 * @param {{modelNeeded?: boolean}} [options]
 * @returns {{settings: Settings, problems: Problem[]}}  The settings are usable when there are no problems.
 */
export function readProfile(value, { modelNeeded = true } = {}) {
  const given = /** @type {Record<string, unknown>} */ (value && typeof value === "object" ? value : {});
  const baseUrl = visible(text(given.base_url));
  const settings = /** @type {Settings} */ ({
    preset: presetOf(text(given.preset)).key,
    name: text(given.name) || (URL.parse(baseUrl)?.host ?? ""),
    base_url: baseUrl,
    wire_api: given.wire_api,
    model: visible(text(given.model)),
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
  return { field: "passphrase", code: "too_short", message: `Use at least ${MIN_PASSPHRASE} characters.` };
}

/** The error that refuses a setting. @param {Problem} problem */
export function settingError({ field, code, message, hint }) {
  const sentence = message[0].toLowerCase() + message.slice(1);
  return new UserError("configuration", `${LABELS[field]}: ${sentence}`, hint, { field, code });
}

/**
 * What such an error says beside its field, where the field's name need not be repeated.
 * @param {{field?: string, message: string, hint?: string}} error
 */
export function messageAtField({ field, message, hint }) {
  const label = `${LABELS[/** @type {Field} */ (field)]}: `;
  const sentence = message.startsWith(label) ? message.slice(label.length) : message;
  return [sentence[0].toUpperCase() + sentence.slice(1), hint].filter(Boolean).join(" ");
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
    value === "responses" || value === "chat"
      ? value
      : new Wrong("not_a_choice", "Choose Responses or Chat Completions."),
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
function text(value) {
  return typeof value === "string" ? value.trim() : "";
}

/** @param {unknown} value */
function isAbsent(value) {
  return value === undefined || value === null;
}

/** @param {number} longest @returns {Reader} */
function upTo(longest) {
  return (value) => (text(value).length > longest ? TOO_LONG : text(value) || undefined);
}

/** @param {readonly string[]} choices @returns {Reader} */
function oneOf(choices) {
  return (value) => {
    if (isAbsent(value) || value === "") return undefined;
    return choices.includes(value) ? value : new Wrong("not_a_choice", `Choose one of ${choices.join(", ")}.`);
  };
}

/** @param {string} value */
function readBaseUrl(value) {
  if (value.length > LONGEST_ADDRESS) return new Wrong("too_long", "It is too long.", URL_EXAMPLE);
  if (!value) return new Wrong("empty", "Enter the server's address.", URL_EXAMPLE);
  if (/YOUR[-_]/.test(value))
    return new Wrong("placeholder", "Put your own resource's name in the place of YOUR-RESOURCE.");
  const url = URL.parse(value);
  if (!url) return new Wrong("not_a_url", "This is not a web address.", URL_EXAMPLE);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    return new Wrong("wrong_scheme", "It must begin with https:// or http://.", URL_EXAMPLE);
  if (url.username || url.password)
    return new Wrong("holds_password", "It holds a user name or password.", "Put the key into the field for it.");
  return value;
}

/** @param {string} value */
function readModel(value) {
  if (!value) return new Wrong("empty", "Type a model's name, or load the list and pick one.");
  if (/\p{Cc}/u.test(value))
    return new Wrong(
      "bad_character",
      "It holds a character that no name has.",
      "Copy the name as the provider writes it.",
    );
  return value.length > LONGEST_NAME ? TOO_LONG : value;
}

/** A provider may have efforts of its own. @type {Reader} */
function readEffort(value) {
  const effort = text(value);
  if (/\s/.test(effort) || effort.length > LONGEST_NAME) return new Wrong("not_a_word", "It is one word.");
  return effort || undefined;
}

/** @type {Reader} */
function readContextWindow(value) {
  if (isAbsent(value)) return undefined;
  if (Number.isSafeInteger(value) && value >= SMALLEST_CONTEXT) return value;
  return new Wrong("out_of_range", `Enter a whole number of tokens, at least ${SMALLEST_CONTEXT}, or leave it empty.`);
}

/** @type {Reader} */
function readIdleTimeout(value) {
  if (isAbsent(value)) return undefined;
  if (Number.isSafeInteger(value) && value >= 1 && value <= LONGEST_IDLE_TIMEOUT_MS) return value;
  return new Wrong("out_of_range", "Enter a number of minutes, at most 1440, or leave it empty.");
}

/** @type {Reader} */
function readSettingsNumber(value, field) {
  if (isAbsent(value)) return undefined;
  const problem = numberProblem(/** @type {import("./ranges.js").NumberName} */ (field), value);
  return problem ? new Wrong("out_of_range", problem) : value;
}

/** It is sent as a header. @type {Reader} */
function readAccountId(value) {
  const id = text(value);
  if (!/^[\x21-\x7e]{0,200}$/.test(id)) return new Wrong("not_an_id", "Enter its id, which has no blanks.");
  return id || undefined;
}

/** @type {Reader} */
function readEntries(value) {
  if (isAbsent(value)) return undefined;
  if (typeof value !== "object" || Array.isArray(value))
    return new Wrong("not_entries", "Names and texts are expected.");
  const entries = Object.entries(value);
  if (entries.some(([, entry]) => typeof entry !== "string"))
    return new Wrong("not_entries", "Names and texts are expected.");
  if (entries.length > MOST_ENTRIES || entries.some((entry) => entry.join("").length > LONGEST_ADDRESS)) {
    return new Wrong("too_long", `At most ${MOST_ENTRIES}, each of at most ${LONGEST_ADDRESS} characters.`);
  }
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** @type {Reader} */
function readHeaders(value, field) {
  const headers = readEntries(value, field);
  if (headers === undefined || headers instanceof Wrong) return headers;
  for (const [name, content] of Object.entries(/** @type {Record<string, string>} */ (headers))) {
    if (!HEADER_NAME.test(name)) return new Wrong("bad_header_name", `“${name}” cannot be a header's name.`);
    if (NOT_IN_HEADERS.test(content))
      return new Wrong("bad_header_value", `The value of “${name}” holds a character that no header may have.`);
  }
  return headers;
}
