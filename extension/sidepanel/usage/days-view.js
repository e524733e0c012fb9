/** What was used on the last days, as a part of the usage dialog: a chart, and the same as tables. */

import { el } from "../../ui/dom.js";
import { numberText } from "../formats.js";
import { byModel, calendar, dateOf, total } from "./spending.js";
import { hostText } from "./usage-labels.js";

/** @import {DayUsage, Usage} from "../../shared/protocol.js" */

/**
 * @param {DayUsage[]} known
 * @param {number} count
 * @param {number} now
 */
export function daysPart(known, count, now) {
  const dates = calendar(known, count, now);
  const first = dates[0].date;
  const days = known.filter(({ day }) => dateOf(day) >= first);
  if (days.length === 0) return [el("p", { class: "note" }, `Nothing in the last ${count} days.`)];
  const models = byModel(days).map((spent) =>
    spendingGroup(spent.model || "Unknown model", hostText(spent.origin), spent),
  );
  const all = models.length > 1 ? [spendingGroup("All models", "", total(days))] : [];
  const each = days.toReversed().map((entry) => spendingGroup(dayText(dateOf(entry.day)), entry.model, entry));
  return [
    chart(dates),
    spendingTable([...models, ...all]),
    el("details", {}, el("summary", {}, "Each day"), spendingTable(each)),
  ];
}

/** @param {{date: Date, tokens: number}[]} dates */
function chart(dates) {
  const most = Math.max(1, ...dates.map(({ tokens }) => tokens));
  const columns = dates.map(({ date, tokens }) => {
    const column = el("span", { title: `${dayText(date)}: ${numberText(tokens).long} tokens` }, el("i", {}));
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
  const titles = ["Answers", "Input", "Output"].map((title) => el("th", { scope: "col" }, title));
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
    tokensCell(usage.input_tokens, usage.cached_input_tokens, "cached"),
    tokensCell(usage.output_tokens, usage.reasoning_output_tokens, "reasoning"),
  );
  return el("tbody", {}, el("tr", {}, title), figures);
}

/**
 * @param {number} [tokens]
 * @param {number} [part]
 * @param {string} [partName]
 */
function tokensCell(tokens = 0, part = 0, partName = "") {
  if (tokens <= 0) return el("td", {}, "–");
  const title =
    part > 0 ? `${numberText(tokens).long}, ${numberText(part).long} of them ${partName}` : numberText(tokens).long;
  const small = part > 0 ? el("small", {}, `${numberText(part).short} ${partName}`) : null;
  return el("td", { title }, numberText(tokens).short, small);
}

/** @param {Date} date */
function dayText(date) {
  return date.toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
}
