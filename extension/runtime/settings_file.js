/** The file of exported settings: JSON, the same text for the same profiles, and nothing secret in it. */

import { configurationError } from "./errors.js";

/** @import { Settings } from "../protocol.js" */

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
  "verbosity",
  "compaction",
  "context_window",
  "background",
  "stream_idle_timeout_ms",
  "http_headers",
  "query_params",
]);
/** Headers and query parameters of such a name may hold a key although they are no place for one. */
const SECRET_NAME = /auth|key|token|secret|cookie|credential|passw|sig/i;

/**
 * @param {Settings[]} settings
 * @param {number} active  Which of them answers; -1 for none.
 * @returns {{text: string, left_out: string[]}}  `left_out` names the headers and query parameters that may be secret.
 */
export function writeSettingsFile(settings, active) {
  /** @type {string[]} */
  const left_out = [];
  /** @param {string} name */
  const isPublic = (name) => {
    if (!SECRET_NAME.test(name)) return true;
    left_out.push(name);
    return false;
  };
  /** @param {unknown} value */
  const cleaned = (value) => {
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).filter(([name]) => isPublic(name));
    return entries.length > 0
      ? Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)))
      : undefined;
  };
  const profiles = settings.map((each) => {
    const fields = FIELDS.map((field) => [
      field,
      field === "base_url" ? publicUrl(each[field], isPublic) : cleaned(each[field]),
    ]);
    return Object.fromEntries(fields);
  });
  const text = `${JSON.stringify({ format: FORMAT, version: VERSION, active, profiles }, null, 2)}\n`;
  return { text, left_out: [...new Set(left_out)] };
}

/** @param {string} address @param {(name: string) => boolean} isPublic */
function publicUrl(address, isPublic) {
  const url = new URL(address);
  const secret = [...new Set(url.searchParams.keys())].filter((name) => !isPublic(name));
  if (secret.length === 0) return address;
  for (const name of secret) url.searchParams.delete(name);
  return url.href;
}

/**
 * @param {unknown} text
 * @returns {{settings: unknown[], active: number}}  Not checked yet. Throws a `UserError` when this is no such file.
 */
export function readSettingsFile(text) {
  const hint = "Choose a file that “Export settings” wrote.";
  /** @type {any} */
  let file;
  try {
    file = JSON.parse(String(text));
  } catch {
    throw configurationError("This is no export of Sidestream's settings: it is no JSON.", hint);
  }
  if (file?.tokens || file?.OPENAI_API_KEY !== undefined) {
    throw configurationError("This is a Codex auth.json, no export of settings.", "Use “Import Codex sign-in” for it.");
  }
  if (file?.format !== FORMAT || !Array.isArray(file.profiles)) {
    throw configurationError("This is no export of Sidestream's settings.", hint);
  }
  if (file.version !== VERSION) {
    throw configurationError(
      "This export was written by another version of Sidestream, which this one does not understand.",
      "Update Sidestream, then try again.",
    );
  }
  if (file.profiles.length === 0) throw configurationError("This export holds no profiles.", hint);
  return { settings: file.profiles, active: Number.isInteger(file.active) ? file.active : 0 };
}
