/** The file of exported settings: JSON, the same text for the same profiles, and nothing secret in it. */

import { configurationError } from "../../shared/errors.js";
import { isObject, makePlain } from "../../shared/plain.js";
import { text } from "../../shared/text.js";

/** @import { Settings } from "../../shared/protocol.js" */

const FORMAT = "sidestream-settings";
const VERSION = 1;
/** In the order in which they are written. */
const FIELDS = /** @type {const} */ ([
  "preset",
  "name",
  "base_url",
  "wire_api",
  "model",
  "instructions",
  "effort",
  "summary",
  "verbosity",
  "temperature",
  "top_p",
  "max_output_tokens",
  "compaction",
  "context_window",
  "background",
  "stream_idle_timeout_ms",
  "request_max_retries",
  "stream_max_retries",
  "max_waiting",
  "requests_per_minute",
  "organization",
  "project",
  "http_headers",
  "query_params",
]);
/**
 * Headers and query parameters of such a name may hold a secret: `code` is the one of Azure Functions, `sig` and `sas`
 * belong to signed addresses, `subscription` to Azure's API Management, and `pat` is a personal access token. An export
 * rather leaves out too much, so this matches more than `is_secret_name` in `redaction.py` does;
 * `tests/fixtures/secret_names.json` checks that it never matches less.
 */
const SECRET_NAME =
  /auth|key|token|secret|cookie|cred|passw|passphrase|code|sig|jwt|hmac|bearer|sess|csrf|xsrf|assertion|subscription|clientid|bypass|appcheck|ticket|private|(?:^|[-_.\s])(?:pat|pass|pwd|pin|otp|sas|sid|cert)(?:$|[-_.\s])/i;
/** Where a word of a camelCase name ends: `user|Pin`, `id|Token`, `JWT|Assertion`. */
const CASE_BOUNDARY = /(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g;
/**
 * What looks like a secret under whatever name: schemes of authorization, beginnings of known keys, and JSON Web
 * Tokens.
 */
const SECRET_VALUE =
  /^\s*(?:bearer|basic|token|digest|apikey)\s|(?:^|[^A-Za-z0-9])(?:(?:sk|rk|pk|gsk|hf|xai|sess|pplx|nvapi|r8|fw|csk|tgp|ghp|gho|glpat|xox[abp])[-_][\w-]{6}|AIza[\w-]{20}|AKIA[A-Z0-9]{12}|ya29\.|eyJ[\w-]{8})/i;
/** Characters of a value that are looked at: no key begins later. */
const LOOKED_AT = 10_000;
/** Characters of a file. */
const LONGEST = 20_000_000;

/**
 * Whether a header or a query parameter may hold a secret.
 * @param {string} name
 * @param {unknown} value
 */
function maySecret(name, value) {
  const start = name.slice(0, LOOKED_AT);
  // `clientId` is found as it is written, `userPin` in its words.
  const isSecretName = [start, start.replace(CASE_BOUNDARY, "-")].some((form) => SECRET_NAME.test(form));
  return isSecretName || SECRET_VALUE.test(String(value).slice(0, LOOKED_AT));
}

/**
 * Profile settings without any header or query parameter that may be secret.
 * @param {Record<string, any>} settings
 * @param {(name: string) => void} onSecret  Called with the name of each that was left out.
 * @returns {Record<string, any>}
 */
function withoutSecrets(settings, onSecret) {
  const isPublic = (/** @type {[string, unknown]} */ [name, value]) => {
    const isSecret = maySecret(name, value);
    if (isSecret) onSecret(name);
    return !isSecret;
  };
  const clean = { ...settings };
  const url = typeof settings.base_url === "string" ? URL.parse(settings.base_url.trim()) : null;
  const secret = new Set([...(url?.searchParams ?? [])].filter((entry) => !isPublic(entry)).map(([name]) => name));
  for (const name of secret) url?.searchParams.delete(name);
  // An address that holds none stays as it was written.
  if (url && secret.size > 0) clean.base_url = url.href;
  for (const field of /** @type {const} */ (["http_headers", "query_params"])) {
    const map = settings[field];
    if (typeof map !== "object" || map === null || Array.isArray(map)) continue;
    const entries = Object.entries(map).filter(isPublic);
    if (entries.length > 0) clean[field] = Object.fromEntries(entries);
    else delete clean[field];
  }
  return clean;
}

/**
 * @param {Settings[]} settings
 * @param {number} active  Which of them answers; -1 for none.
 * @returns {{text: string, left_out: string[]}}  `left_out` names the headers and query parameters that may be secret.
 */
export function writeSettingsFile(settings, active) {
  /** @type {Set<string>} */
  const left_out = new Set();
  const inOrder = (/** @type {unknown} */ value) =>
    typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value;
  const profiles = settings.map((each) => {
    const clean = withoutSecrets(each, (name) => left_out.add(name));
    return Object.fromEntries(FIELDS.map((field) => [field, inOrder(clean[field])]));
  });
  const written = `${JSON.stringify({ format: FORMAT, version: VERSION, active, profiles }, null, 2)}\n`;
  return { text: written, left_out: [...left_out] };
}

/**
 * @param {unknown} content
 * @returns {{settings: Record<string, any>[], active: number, left_out: string[]}}  Not checked yet, but without
 *   anything that an export leaves out; `left_out` names that. Throws a `UserError` when this is no such file.
 */
export function readSettingsFile(content) {
  const hint = text("settings_file_choose");
  /** @type {any} */
  let file;
  const written = String(content);
  if (written.length > LONGEST) throw configurationError(text("settings_file_too_large"), hint);
  try {
    file = JSON.parse(written);
  } catch {
    throw configurationError(text("settings_file_not_json"), hint);
  }
  if (file?.tokens || file?.OPENAI_API_KEY !== undefined) {
    throw configurationError(text("settings_file_auth_json"), text("settings_file_use_sign_in"));
  }
  if (file?.format !== FORMAT || !Array.isArray(file.profiles)) {
    throw configurationError(text("settings_file_not_settings"), hint);
  }
  if (file.version !== VERSION) {
    throw configurationError(text("settings_file_other_version"), text("error_update_sidestream"));
  }
  if (file.profiles.length === 0) throw configurationError(text("settings_file_empty"), hint);
  if (!file.profiles.every(isObject)) throw configurationError(text("settings_file_damaged"), hint);
  makePlain(file);
  /** @type {Set<string>} */
  const left_out = new Set();
  const settings = file.profiles.map((/** @type {any} */ each) => withoutSecrets(each, (name) => left_out.add(name)));
  return { settings, active: Number.isInteger(file.active) ? file.active : 0, left_out: [...left_out] };
}
