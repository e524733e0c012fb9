/** Figures of usage and limits, without the page. */

/** @import {DayUsage, Limits, Usage} from "../../shared/protocol.js" */

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
 * What of a provider's limits holds now. A window that has started anew is unknown until the provider tells of it again, and so is what
 * remains of a quota.
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

/**
 * @typedef {object} Spending
 * @property {string} model
 * @property {string} origin
 * @property {number} turns
 * @property {Usage} usage
 */

/**
 * The days of each model together, the model that used most first.
 * @param {DayUsage[]} days
 * @returns {Spending[]}
 */
export function byModel(days) {
  /** @type {Map<string, DayUsage[]>} */
  const models = new Map();
  for (const entry of days) {
    const key = JSON.stringify([entry.origin, entry.model]);
    const same = models.get(key);
    if (same) same.push(entry);
    else models.set(key, [entry]);
  }
  return [...models.values()].map(total).sort((a, b) => tokensOf(b.usage) - tokensOf(a.usage));
}

/**
 * Several entries together, under the name of the first.
 * @param {DayUsage[]} entries
 * @returns {Spending}
 */
export function total(entries) {
  /** @type {Usage} */
  const usage = {};
  for (const entry of entries) {
    for (const [name, tokens] of Object.entries(entry.usage)) usage[name] = (usage[name] ?? 0) + tokens;
  }
  const { model, origin } = entries[0];
  return { model, origin, turns: entries.reduce((sum, { turns }) => sum + turns, 0), usage };
}

/**
 * Input and output together.
 * @param {Usage} usage
 */
export function tokensOf({ input_tokens = 0, output_tokens = 0, total_tokens = 0 }) {
  return total_tokens || input_tokens + output_tokens;
}

/**
 * The last days, the oldest first, each with its tokens.
 * @param {DayUsage[]} days
 * @param {number} count
 * @param {number} now
 * @returns {{date: Date, tokens: number}[]}
 */
export function calendar(days, count, now) {
  const tokens = new Map();
  for (const { day, usage } of days) {
    const key = dateOf(day).toDateString();
    tokens.set(key, (tokens.get(key) ?? 0) + tokensOf(usage));
  }
  return Array.from({ length: count }, (_, index) => {
    const date = new Date(now);
    date.setHours(12, 0, 0, 0);
    date.setDate(date.getDate() - count + 1 + index);
    return { date, tokens: tokens.get(date.toDateString()) ?? 0 };
  });
}

/**
 * @param {string} day  `2026-08-06`
 * @returns {Date}  Its noon.
 */
export function dateOf(day) {
  return new Date(`${day}T12:00:00`);
}
