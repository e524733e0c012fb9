/** How numbers, sizes and times are written in the panel: as the language of its texts does it. */

import { language, plural, text } from "../shared/text.js";

const locale = language();
const number = new Intl.NumberFormat(locale);
const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const list = new Intl.ListFormat(locale);
const row = new Intl.ListFormat(locale, { type: "unit", style: "short" });
const spans = new Intl.ListFormat(locale, { type: "unit", style: "narrow" });

/**
 * @param {number} count
 * @returns {{short: string, long: string}}  "12.3K" and "12,345".
 */
export function numberText(count) {
  return { short: compact.format(count), long: number.format(count) };
}

/**
 * Never "100%" before it is reached.
 * @param {number} used  From 0 to 100.
 */
export function percentText(used) {
  return percent.format(Math.floor(used) / 100);
}

/**
 * @param {number} tokens  Estimated.
 */
export function tokensText(tokens) {
  // More digits would promise more than an estimate can keep.
  const digits = Math.max(String(tokens).length - 2, 0);
  return plural("tokens_about", Math.round(tokens / 10 ** digits) * 10 ** digits);
}

/** A rough count, as in `session/usage.py`: four bytes to a token. @param {string} text */
export function estimateTokens(text) {
  return Math.ceil(new TextEncoder().encode(text).length / 4);
}

/** @param {number} milliseconds */
export function durationText(milliseconds) {
  if (milliseconds < 1) return text("duration_less_than", inUnit(1, "millisecond"));
  if (milliseconds < 1000) return inUnit(Math.round(milliseconds), "millisecond");
  return inUnit(milliseconds / 1000, "second", 1);
}

/**
 * A span of time in its two largest units: "2h 5m".
 * @param {number} ms
 * @returns {string}
 */
export function spanText(ms) {
  const seconds = Math.max(Math.ceil(ms / 1000), 0);
  if (seconds < 60) return inUnit(seconds, "second");
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return inUnit(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joined([hours, "hour"], [minutes % 60, "minute"]);
  return joined([Math.floor(hours / 24), "day"], [hours % 24, "hour"]);
}

/** @param {...[number, string]} parts */
function joined(...parts) {
  return spans.format(parts.filter(([count]) => count > 0).map(([count, unit]) => inUnit(count, unit)));
}

/**
 * @param {number} value
 * @param {string} unit
 * @param {number} [digits]  After the decimal point.
 * @param {"narrow" | "short" | "long"} [unitDisplay]
 */
function inUnit(value, unit, digits = 0, unitDisplay = "narrow") {
  const fraction = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay, ...fraction }).format(value);
}

/**
 * The time that is left, as a clock counts it down: "1:29", "2:00:05".
 * @param {number} ms
 */
export function countdownText(ms) {
  const seconds = Math.max(Math.ceil(ms / 1000), 0);
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/**
 * Several things as a part of a sentence: "A, B, and C".
 * @param {string[]} things
 */
export function listText(things) {
  return list.format(things);
}

/**
 * Several things in a row: "A, B, C".
 * @param {string[]} things
 */
export function rowText(things) {
  return row.format(things);
}

/** @param {Date} date */
export function dayText(date) {
  return date.toLocaleDateString(locale, { weekday: "short", day: "numeric", month: "short" });
}

/** @param {Date} date */
export function dateTimeText(date) {
  return date.toLocaleString(locale);
}

const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
const DAY_MS = 86_400_000;

/**
 * How long ago something was; for more than a week, its date.
 * @param {number} then  Unix time in milliseconds.
 * @param {number} now
 * @returns {string}
 */
export function timeText(then, now) {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return relative.format(0, "second");
  if (minutes < 60) return relative.format(-minutes, "minute");
  const days = Math.round((startOfDay(now) - startOfDay(then)) / DAY_MS);
  if (days === 0) return relative.format(-Math.floor(minutes / 60), "hour");
  if (days < 7) return relative.format(-days, "day");
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return new Date(then).toLocaleDateString(locale, {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
}

/** @param {number} time */
function startOfDay(time) {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** @param {number} bytes */
export function fileSize(bytes) {
  if (bytes < 1000) return inUnit(bytes, "byte", 0, "long");
  if (bytes < 1_000_000) return inUnit(bytes / 1000, "kilobyte", 1, "short");
  return inUnit(bytes / 1_000_000, "megabyte", 1, "short");
}
