/** The limits of a provider as gauges: how much of each is used. */

/** @import {Limits} from "../../shared/protocol.js" */

/**
 * One limit as a bar.
 * @typedef {object} Gauge
 * @property {string} label
 * @property {number} [percent]  How much of it is used, from 0 to 100.
 * @property {number} [limit]
 * @property {number} [remaining]
 * @property {number} [resets_at]  Unix time in milliseconds.
 */

/**
 * What of a provider's limits holds now. A window that has started anew is unknown until the provider tells of it
 * again, and so is what remains of a quota.
 * @param {Limits} limits
 * @param {number} now  Unix time in milliseconds.
 * @returns {Gauge[]}
 */
export function gauges({ windows, quotas }, now) {
  const holds = (/** @type {{resets_at?: number}} */ { resets_at }) => resets_at === undefined || resets_at > now;
  return [
    ...windows.filter(holds).map(({ label, used_percent, resets_at }) => ({
      label,
      percent: inPercent(used_percent),
      resets_at,
    })),
    ...quotas
      .map((quota) => (holds(quota) ? quota : { label: quota.label, limit: quota.limit }))
      .filter(({ limit, remaining }) => limit !== undefined || remaining !== undefined)
      .map((quota) => ({ ...quota, percent: usedOf(quota) })),
  ];
}

/** @param {{limit?: number, remaining?: number}} quota */
function usedOf({ limit, remaining }) {
  return limit && remaining !== undefined ? inPercent(100 * (1 - remaining / limit)) : undefined;
}

/** @param {number} percent */
function inPercent(percent) {
  return Math.min(Math.max(percent, 0), 100);
}

/**
 * The limit that is closest to being reached, of those told last.
 * @param {Limits[]} limits  Those told last come first.
 * @param {number} now
 * @returns {Gauge | undefined}
 */
export function tightest([latest], now) {
  if (!latest) return undefined;
  return gauges(latest, now).reduce(
    (/** @type {Gauge | undefined} */ most, gauge) =>
      gauge.percent !== undefined && gauge.percent > (most?.percent ?? -1) ? gauge : most,
    undefined,
  );
}
