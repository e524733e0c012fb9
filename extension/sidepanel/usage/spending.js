/** Sums what was used: by model, and by day. */

/** @import {DayUsage, Usage} from "../../shared/protocol.js" */

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
