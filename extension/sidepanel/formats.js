/** How numbers, sizes and times are written in the panel. */

const number = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });

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
  return `about ${number.format(Math.round(tokens / 10 ** digits) * 10 ** digits)} tokens`;
}

/** A rough count, as in `session/usage.py`: four bytes to a token. @param {string} text */
export function estimateTokens(text) {
  return Math.ceil(new TextEncoder().encode(text).length / 4);
}

/** @param {number} milliseconds */
export function durationText(milliseconds) {
  if (milliseconds < 1) return "less than 1 ms";
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/**
 * A span of time in its two largest units: "2 h 5 min".
 * @param {number} ms
 * @returns {string}
 */
export function spanText(ms) {
  const seconds = Math.max(Math.ceil(ms / 1000), 0);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joined([hours, "h"], [minutes % 60, "min"]);
  return joined([Math.floor(hours / 24), "d"], [hours % 24, "h"]);
}

/** @param {...[number, string]} parts */
function joined(...parts) {
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const DAY_MS = 86_400_000;

/**
 * How long ago something was; for more than a week, its date.
 * @param {number} then  Unix time in milliseconds.
 * @param {number} now
 * @returns {string}
 */
export function timeText(then, now) {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return relative.format(-minutes, "minute");
  const days = Math.round((startOfDay(now) - startOfDay(then)) / DAY_MS);
  if (days === 0) return relative.format(-Math.floor(minutes / 60), "hour");
  if (days < 7) return relative.format(-days, "day");
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return new Date(then).toLocaleDateString(undefined, {
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
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
