/**
 * What was used on which day, by model: the store `usage`. It outlives the conversations, since what they used was
 * used, and holds no word of them.
 */

import { isCount, isCounts, isText } from "../../shared/plain.js";
import { isUnfinished } from "../../shared/turn-status.js";

/** @import { DayUsage } from "../../shared/protocol.js" */

/**
 * What is read of a turn's record.
 * @typedef {{id: string, status: string, attempt?: number, usage?: Record<string, number>, origin?: string, model?:
 *   string}} Spent
 */

/**
 * Add what a run of a turn has used to today, with the write that first holds its end: so each run counts once,
 * whatever is written again, and what came from a file does not count.
 * @param {import("idb").IDBPTransaction<any, string[], "readwrite">} transaction  Of that write, before it; `usage` is
 *   among its stores.
 * @param {string} conversationId
 * @param {Spent} record  The turn as it will be stored.
 */
export async function countUsage(transaction, conversationId, record) {
  if (!hasSpent(record)) return;
  /** @type {Spent | undefined} */
  const previous = await transaction.objectStore("turns").get([conversationId, record.id]);
  const isSameRun = (previous?.attempt ?? 0) === (record.attempt ?? 0);
  if (previous && isSameRun && hasSpent(previous)) return;
  const days = transaction.objectStore("usage");
  const key = [dayOf(new Date()), record.origin ?? "", record.model ?? ""];
  /** @type {DayUsage} */
  const before = (await days.get(key)) ?? { day: key[0], origin: key[1], model: key[2], turns: 0, usage: {} };
  const usage = { ...before.usage };
  for (const [name, tokens] of Object.entries(record.usage ?? {})) usage[name] = (usage[name] ?? 0) + tokens;
  await days.put({ ...before, turns: before.turns + 1, usage });
}

/** @param {Spent} turn */
function hasSpent({ status, usage }) {
  return !isUnfinished(status) && Object.values(usage ?? {}).some((tokens) => tokens > 0);
}

/**
 * The last days, today included; of these, those on which something was used, the oldest first.
 * @param {import("idb").IDBPDatabase<any>} db
 * @param {number} days
 * @returns {Promise<DayUsage[]>}
 */
export async function usageByDay(db, days) {
  const first = new Date();
  first.setDate(first.getDate() - days + 1);
  const stored = await db.getAll("usage", IDBKeyRange.lowerBound([dayOf(first)]));
  return stored.filter(isDay);
}

/** Whether an entry can be shown: one that cannot must not take the others along. @param {any} entry */
function isDay({ day, origin, model, turns, usage }) {
  return !Number.isNaN(Date.parse(day)) && isText(origin) && isText(model) && isCount(turns) && isCounts(usage);
}

/**
 * The day in the user's time zone, as `2026-08-06`.
 * @param {Date} date
 */
function dayOf(date) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
