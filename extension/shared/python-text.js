/**
 * The messages of Python in the user's language. Beside a sentence in English, Python sends its key and parameters:
 * `message` and `message_text`, `hint` and `hint_text`. The build puts Python's catalogue into the extension's, each
 * key with `python_` before it.
 */

import { language, text } from "./text.js";

/** @import { TurnError } from "./protocol.js" */
/** @import { MessageKey } from "./text.js" */

/** Messages are nested this deep at most: what the server says, in the reason of an error, in a status. */
const DEEPEST = 4;
const KEY = /^[a-z0-9_]{1,60}$/;
const PREFIX = "python_";
const MINUTE = 60;

/**
 * A sentence of Python in the user's language; as it is if its key is unknown, as in files of other versions.
 * @param {string} sentence
 * @param {unknown} [told]  Its key and parameters. They may come from an imported file, so anything may be in them.
 * @returns {string}
 */
export function pythonText(sentence, told) {
  return translated(told, 0) ?? sentence;
}

/**
 * An error with its message and hint in the user's language.
 * @template {Pick<TurnError, "message" | "hint" | "message_text" | "hint_text">} E
 * @param {E} error
 * @returns {E}
 */
export function localisedError(error) {
  const { message, hint, message_text, hint_text } = error;
  if (!message_text && !hint_text) return error;
  return {
    ...error,
    message: pythonText(message, message_text),
    ...(hint ? { hint: pythonText(hint, hint_text) } : {}),
  };
}

/** @param {any} told @param {number} depth @returns {string | undefined} */
function translated(told, depth) {
  const { key, parameters = {} } = told ?? {};
  if (typeof key !== "string" || !KEY.test(key) || depth >= DEEPEST || !isObject(parameters)) return undefined;
  /** @type {(string | number)[]} */
  const values = [];
  // The build gives the placeholders their numbers in this order, too.
  for (const name of Object.keys(parameters).sort()) {
    const value = written(parameters[name], depth);
    if (value === undefined) return undefined;
    values.push(value);
  }
  const name = /** @type {MessageKey} */ (PREFIX + key);
  if (isThere(name)) return text(name, ...values);
  const { count } = parameters;
  if (typeof count !== "number") return undefined;
  const forms = [new Intl.PluralRules(language()).select(count), "other"];
  const form = forms.map((category) => /** @type {MessageKey} */ (`${name}_${category}`)).find(isThere);
  return form && text(form, ...values);
}

/** @param {MessageKey} key */
function isThere(key) {
  return chrome.i18n.getMessage(key) !== "";
}

/** @param {any} value @param {number} depth @returns {string | number | undefined} */
function written(value, depth) {
  if (typeof value === "string" || typeof value === "number") return value;
  if (!isObject(value)) return undefined;
  if (typeof value.ms === "number") return spanText(value.ms);
  if (typeof value.at === "number") return momentText(value.at);
  return translated(value, depth + 1);
}

/** @param {unknown} value @returns {value is Record<string, any>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A span of time as `sidestream._times.duration_text` writes it. @param {number} ms */
function spanText(ms) {
  const seconds = ms / 1000;
  if (seconds < 90) return inUnit(seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds), "second");
  const minutes = Math.ceil(Math.round(seconds) / MINUTE);
  if (minutes < 120) return inUnit(minutes, "minute");
  const hours = inUnit(Math.floor(minutes / 60), "hour");
  return minutes % 60 ? `${hours} ${inUnit(minutes % 60, "minute")}` : hours;
}

/** @param {number} value @param {"second" | "minute" | "hour"} unit */
function inUnit(value, unit) {
  return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "short" }).format(value);
}

/** @param {number} at  Unix time in seconds. @returns {string | undefined} */
function momentText(at) {
  const moment = new Date(at * 1000);
  if (Number.isNaN(moment.getTime())) return undefined;
  const isToday = moment.toDateString() === new Date().toDateString();
  const format = new Intl.DateTimeFormat(language(), { dateStyle: isToday ? undefined : "medium", timeStyle: "short" });
  return format.format(moment);
}
