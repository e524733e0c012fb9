/** Texts about the context window, the limits and the credits. */

import { text } from "../../shared/text.js";
import { numberText, percentText, spanText } from "../formats.js";

/** @import {Meter} from "../../shared/protocol.js" */
/** @import {Gauge} from "./gauges.js" */

/**
 * How many tokens of the context window are taken, where that is known.
 * @param {Meter | undefined} meter
 * @returns {{short: string, long: string} | null}
 */
export function contextText(meter) {
  if (meter?.context_used === undefined) return null;
  const used = numberText(meter.context_used);
  if (!meter.context_window) return used;
  const all = numberText(meter.context_window);
  return {
    short: text("usage_of", used.short, all.short),
    long: text("usage_of", used.long, all.long),
  };
}

/**
 * How much of a limit is used.
 * @param {Gauge} gauge
 * @returns {string}
 */
export function gaugeText({ percent: used, limit, remaining }) {
  if (remaining !== undefined && limit !== undefined) return text("usage_of_left", remaining, limit);
  if (remaining !== undefined) return text("usage_left", remaining);
  if (used !== undefined) return text("usage_used", percentText(used));
  return text("usage_at_most", limit ?? 0);
}

/**
 * @param {{has_credits: boolean, unlimited: boolean, balance?: string}} credits
 * @returns {string}
 */
export function creditsText({ has_credits, unlimited, balance }) {
  if (unlimited) return text("usage_credits_unlimited");
  if (!has_credits) return text("usage_credits_none");
  return balance ? text("usage_credits_left", balance) : text("usage_credits_available");
}

/**
 * @param {number | undefined} resetsAt
 * @param {number} now
 */
export function resetText(resetsAt, now) {
  return resetsAt === undefined ? "" : text("usage_resets", spanText(resetsAt - now));
}

/**
 * @param {string} used
 * @param {string} reset  Empty where it is not known.
 */
export function withReset(used, reset) {
  return reset ? text("usage_and_reset", used, reset) : used;
}

/** @param {string} origin */
export function hostText(origin) {
  return origin.replace(/^https?:\/\//, "");
}
