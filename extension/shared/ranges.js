/** The numbers among the settings: what each may be, for the pages that ask for it and the worker that stores it. */

/**
 * @typedef {"temperature" | "top_p" | "max_output_tokens" | "request_max_retries" | "stream_max_retries" |
 *   "max_waiting" | "requests_per_minute"} NumberName
 * @typedef {{label: string, min: number, max: number, whole: boolean, above?: true}} Range  `above`: `min` itself is
 *   not among them.
 */

/** @type {Record<NumberName, Range>} */
export const RANGES = {
  temperature: { label: "Temperature", min: 0, max: 2, whole: false },
  top_p: { label: "Top P", min: 0, max: 1, whole: false, above: true },
  max_output_tokens: { label: "Maximum output tokens", min: 1, max: 10_000_000, whole: true },
  request_max_retries: { label: "Retries of a request", min: 0, max: 100, whole: true },
  stream_max_retries: { label: "Retries of a broken answer", min: 0, max: 100, whole: true },
  max_waiting: { label: "Messages that may wait", min: 1, max: 1000, whole: true },
  requests_per_minute: { label: "Requests per minute", min: 1, max: 10_000, whole: true },
};

export const NUMBER_NAMES = /** @type {NumberName[]} */ (Object.keys(RANGES));

/** @param {Range} range */
const described = ({ min, max, whole, above }) =>
  above
    ? `a number above ${min} and up to ${max}`
    : `a ${whole ? "whole " : ""}number from ${min.toLocaleString("en")} to ${max.toLocaleString("en")}`;

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
  return `Enter ${described(range)}, or leave it empty.`;
}

/**
 * A number as it was typed: undefined when nothing was typed, and NaN when it is no number.
 * @param {NumberName} name
 * @param {string} typed  With a point or a comma before the decimals; large numbers may be grouped.
 */
export function parseNumber(name, typed) {
  const text = RANGES[name].whole ? ungrouped(typed.trim()) : typed.trim().replace(",", ".");
  if (!text) return undefined;
  return /^(?:\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})$/.test(text) ? Number(text) : Number.NaN;
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
 * @param {string} text
 */
export function ungrouped(text) {
  return /^\d{1,3}(?:[\s.,'’_]\d{3})+$/.test(text) ? text.replace(/\D/g, "") : text;
}
