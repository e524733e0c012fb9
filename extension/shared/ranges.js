/** The numbers among the settings: what each may be, for the pages that ask for it and the worker that stores it. */

import { text } from "./text.js";

/**
 * @typedef {"temperature" | "top_p" | "max_output_tokens" | "request_max_retries" | "stream_max_retries" |
 *   "max_waiting" | "requests_per_minute"} NumberName
 * @typedef {{min: number, max: number, whole: boolean, above?: true}} Range  `above`: `min` itself is
 *   not among them.
 */

/** @type {Record<NumberName, Range>} */
export const RANGES = {
  temperature: { min: 0, max: 2, whole: false },
  top_p: { min: 0, max: 1, whole: false, above: true },
  max_output_tokens: { min: 1, max: 10_000_000, whole: true },
  request_max_retries: { min: 0, max: 100, whole: true },
  stream_max_retries: { min: 0, max: 100, whole: true },
  max_waiting: { min: 1, max: 1000, whole: true },
  requests_per_minute: { min: 1, max: 10_000, whole: true },
};

export const NUMBER_NAMES = /** @type {NumberName[]} */ (Object.keys(RANGES));

/** @param {Range} range */
const problemOf = ({ min, max, whole, above }) => {
  if (above) return text("settings_number_above", min, max);
  return whole ? text("settings_whole_number_range", min, max) : text("settings_number_range", min, max);
};

/** @param {Range} range @param {number} value */
const isWithin = ({ min, max, whole, above }, value) =>
  (above ? value > min : value >= min) && value <= max && (!whole || Number.isSafeInteger(value));

/**
 * What is wrong with a number of the settings; undefined: nothing.
 * @param {NumberName} name
 * @param {unknown} value
 */
export function numberProblem(name, value) {
  const range = RANGES[name];
  if (typeof value === "number" && isWithin(range, value)) return undefined;
  return problemOf(range);
}

/**
 * A number as it was typed: undefined when nothing was typed, and NaN when it is no number.
 * @param {NumberName} name
 * @param {string} typed  With a point or a comma before the decimals; large numbers may be grouped.
 */
export function parseNumber(name, typed) {
  const digits = RANGES[name].whole ? ungrouped(typed.trim()) : typed.trim().replace(",", ".");
  if (!digits) return undefined;
  return /^(?:\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})$/.test(digits) ? Number(digits) : Number.NaN;
}

/**
 * A number as it was typed, or what is wrong with it; neither of them when nothing was typed.
 * @param {NumberName} name
 * @param {string} typed  As for {@link parseNumber}.
 * @returns {{value?: number, problem?: string}}
 */
export function readNumber(name, typed) {
  const value = parseNumber(name, typed);
  if (value === undefined) return {};
  const problem = numberProblem(name, value);
  return problem ? { problem } : { value };
}

/**
 * A number without what people set between its thousands; anything else as it is.
 * @param {string} typed
 */
export function ungrouped(typed) {
  return /^\d{1,3}(?:[\s.,'’_]\d{3})+$/.test(typed) ? typed.replace(/\D/g, "") : typed;
}
