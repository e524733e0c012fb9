/**
 * An error as text for a bug report: what happened, who was asked for what, and the exchange with the server. It
 * arrives here without keys and without messages; what the server sent is copied as it is, after keys are removed once
 * more.
 */

import { redact } from "../../shared/log.js";

/** @import {ErrorExchange, TurnError} from "../../shared/protocol.js" */

/** So much of a body is copied: enough for every error, and not all of a long conversation. In characters. */
const BODY_LENGTH = 16_000;
/** So much of any other text. */
const TEXT_LENGTH = 4_000;

/**
 * @typedef {object} About  What is known besides the error.
 * @property {string} [model]  The model that answered.
 * @property {string} [status]  How the turn ended.
 * @property {string} [finish_reason]
 * @property {string[]} [notices]
 * @property {number} [at]  When the turn was begun: Unix time in milliseconds.
 */

/**
 * @param {TurnError} error
 * @param {About} [about]
 * @returns {string}
 */
export function detailsText(error, about = {}) {
  const { details = {} } = error;
  const { exchange } = details;
  const provider = named(details.provider, details.origin);
  /** @type {[string, unknown][]} */
  const lines = [
    ["What happened", error.message],
    ["What to do", error.hint],
    ["The server said", error.server_message],
    ["Kind of error", error.kind],
    ["Provider", provider],
    ["Model", details.model ?? about.model],
    ["Wire API", details.wire_api],
    ["Status", error.status ?? details.status],
    ["Code", error.server_code],
    ["Parameter", error.param],
    ["Request id", error.request_id ?? details.request_id],
    ["Finish reason", details.finish_reason ?? about.finish_reason],
    ["Attempts", details.attempts],
    ["Notices", listed(details.notices ?? about.notices)],
    ["Turn", about.status],
    ["Begun", about.at === undefined ? undefined : new Date(about.at).toISOString()],
    ["Sidestream", versionOf(details.version)],
    ["Browser", browser()],
  ];
  const parts = [lines.flatMap(([name, value]) => line(name, value)).join("\n")];
  if (exchange) parts.push(request(exchange), response(exchange));
  return `${redact(parts.filter(Boolean).join("\n\n"))}\n`;
}

/** @param {string} name @param {unknown} value @returns {string[]} */
function line(name, value) {
  const text = asText(value);
  return text ? [`${name}: ${cut(text, TEXT_LENGTH)}`] : [];
}

/** @param {ErrorExchange} exchange */
function request({ method, url, request_headers, request_body }) {
  const head = [method, url].map(asText).filter(Boolean).join(" ");
  const message = http(head, request_headers, request_body);
  return message && `--- Request, with the lengths of texts in place of the texts ---\n${message}`;
}

/** @param {ErrorExchange} exchange */
function response({ status, response_headers, response_body }) {
  const message = http(status ? `HTTP ${status}` : "", response_headers, response_body);
  return message && `--- Response ---\n${message}`;
}

/**
 * @param {string} head
 * @param {unknown} headers
 * @param {unknown} body
 */
function http(head, headers, body) {
  const isObject = typeof headers === "object" && headers !== null;
  const fields = isObject ? Object.entries(headers).flatMap(([name, value]) => line(name, value)) : [];
  const text = cut(withoutData(asText(body)), BODY_LENGTH);
  return [[head, ...fields].filter(Boolean).join("\n"), text].filter(Boolean).join("\n\n");
}

/**
 * Images and files by their size alone.
 * @param {string} text
 */
function withoutData(text) {
  return text.replace(/[A-Za-z0-9+/]{400,}={0,2}/g, (data) => `[${data.length} characters left out]`);
}

/** @param {string} text @param {number} length */
function cut(text, length) {
  if (text.length <= length) return text;
  return `${text.slice(0, length).toWellFormed()}… [${text.length - length} more characters left out]`;
}

/** @param {unknown} provider @param {unknown} origin */
function named(provider, origin) {
  const [name, address] = [asText(provider), asText(origin)];
  return name && address && name !== address ? `${name} (${address})` : name || address;
}

/** @param {unknown} values */
function listed(values) {
  return Array.isArray(values) ? values.map(asText).filter(Boolean).join(" · ") : asText(values);
}

/** @param {unknown} value  Whatever a server or an earlier version has put there. */
export function asText(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @param {unknown} core  The version of the Python core, where it says so. */
function versionOf(core) {
  const own = globalThis.chrome?.runtime?.getManifest?.().version;
  const inside = asText(core);
  return [own, inside !== own && inside && `core ${inside}`].filter(Boolean).join(", ");
}

/** The browser's name, version and system. */
function browser() {
  const data = /** @type {{brands?: {brand: string, version: string}[], platform?: string} | undefined} */ (
    /** @type {any} */ (navigator).userAgentData
  );
  // One brand of the list is made up, so that nobody relies on it.
  const brands = (data?.brands ?? []).filter(({ brand }) => brand.replace(/[^a-z]/gi, "") !== "NotABrand");
  if (brands.length === 0) return navigator.userAgent;
  const names = brands.map(({ brand, version }) => `${brand} ${version}`).join(", ");
  return data?.platform ? `${names} on ${data.platform}` : names;
}
