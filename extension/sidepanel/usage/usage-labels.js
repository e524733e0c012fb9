/** Texts about the context window, the limits and the credits. */

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
  return { short: `${used.short} of ${all.short}`, long: `${used.long} of ${all.long}` };
}

/**
 * How much of a limit is used.
 * @param {Gauge} gauge
 * @returns {string}
 */
export function gaugeText({ percent: used, limit, remaining }) {
  if (remaining !== undefined && limit !== undefined)
    return `${numberText(remaining).long} of ${numberText(limit).long} left`;
  if (remaining !== undefined) return `${numberText(remaining).long} left`;
  if (used !== undefined) return `${percentText(used)} used`;
  return `at most ${numberText(limit ?? 0).long}`;
}

/**
 * @param {{has_credits: boolean, unlimited: boolean, balance?: string}} credits
 * @returns {string}
 */
export function creditsText({ has_credits, unlimited, balance }) {
  if (unlimited) return "Credits: unlimited";
  if (!has_credits) return "Credits: none left";
  return balance ? `Credits: ${balance} left` : "Credits: available";
}

/**
 * @param {number | undefined} resetsAt
 * @param {number} now
 */
export function resetText(resetsAt, now) {
  return resetsAt === undefined ? "" : `resets in ${spanText(resetsAt - now)}`;
}

/** @param {string} origin */
export function hostText(origin) {
  return origin.replace(/^https?:\/\//, "");
}
