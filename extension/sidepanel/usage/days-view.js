/** What was used on the last days, as a part of the usage dialog: a chart, and the same as tables. */

import { plural, text } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { dayText, numberText } from "../formats.js";
import { byModel, calendar, dateOf, total } from "./spending.js";
import { hostText } from "./usage-labels.js";

/** @import {DayUsage, Usage} from "../../shared/protocol.js" */

const TITLES = /** @type {const} */ (["usage_answers", "usage_input", "usage_output"]);
const CACHED = /** @type {const} */ ({ short: "usage_count_cached", long: "usage_count_of_cached" });
const REASONING = /** @type {const} */ ({ short: "usage_count_reasoning", long: "usage_count_of_reasoning" });

/**
 * @param {DayUsage[]} known
 * @param {number} count
 * @param {number} now
 */
export function daysPart(known, count, now) {
  const dates = calendar(known, count, now);
  const first = dates[0].date;
  const days = known.filter(({ day }) => dateOf(day) >= first);
  if (days.length === 0) return [el("p", { class: "note" }, plural("usage_nothing", count))];
  const models = byModel(days).map((spent) =>
    spendingGroup(spent.model || text("usage_unknown_model"), hostText(spent.origin), spent),
  );
  const all = models.length > 1 ? [spendingGroup(text("usage_all_models"), "", total(days))] : [];
  const each = days.toReversed().map((entry) => spendingGroup(dayText(dateOf(entry.day)), entry.model, entry));
  return [
    chart(dates),
    spendingTable([...models, ...all]),
    el("details", {}, el("summary", {}, text("usage_each_day")), spendingTable(each)),
  ];
}

/** @param {{date: Date, tokens: number}[]} dates */
function chart(dates) {
  const most = Math.max(1, ...dates.map(({ tokens }) => tokens));
  const columns = dates.map(({ date, tokens }) => {
    const column = el("span", { title: plural("usage_day_tokens", tokens, dayText(date)) }, el("i", {}));
    /** @type {HTMLElement} */ (column.firstElementChild).style.blockSize = `${(100 * tokens) / most}%`;
    return column;
  });
  const [first, last] = [dates[0].date, dates[dates.length - 1].date];
  const axis = el("p", { class: "note" }, el("span", {}, dayText(first)), el("span", {}, dayText(last)));
  // The table below says the same.
  return el("div", { class: "chart", "aria-hidden": "true" }, el("div", {}, ...columns), axis);
}

/**
 * A name takes a line of its own: models have long ones.
 * @param {Node[]} groups
 */
function spendingTable(groups) {
  const titles = TITLES.map((key) => el("th", { scope: "col" }, text(key)));
  return el("table", { class: "numbers spending" }, el("thead", {}, el("tr", {}, ...titles)), ...groups);
}

/**
 * @param {string} name
 * @param {string} more
 * @param {{turns: number, usage: Usage}} spent
 */
function spendingGroup(name, more, { turns, usage }) {
  const title = el("th", { scope: "rowgroup", colspan: 3 }, name, more && el("small", {}, more));
  const figures = el(
    "tr",
    {},
    el("td", {}, numberText(turns).long),
    tokensCell(usage.input_tokens, usage.cached_input_tokens, CACHED),
    tokensCell(usage.output_tokens, usage.reasoning_output_tokens, REASONING),
  );
  return el("tbody", {}, el("tr", {}, title), figures);
}

/**
 * @param {number | undefined} tokens
 * @param {number | undefined} part
 * @param {typeof CACHED | typeof REASONING} labels  Of the part.
 */
function tokensCell(tokens = 0, part = 0, labels) {
  if (tokens <= 0) return el("td", {}, "–");
  const title = part > 0 ? text(labels.long, tokens, part) : numberText(tokens).long;
  const small = part > 0 ? el("small", {}, text(labels.short, numberText(part).short)) : null;
  return el("td", { title }, numberText(tokens).short, small);
}
