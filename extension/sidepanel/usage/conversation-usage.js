/** What a conversation has used, as a part of the usage dialog. */

import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { numberText } from "../formats.js";
import { gaugeLine } from "./gauge-view.js";
import { contextText } from "./usage-labels.js";

/** @import {Meter} from "../../shared/protocol.js" */
/** @import {MessageKey} from "../../shared/text.js" */

/** @type {[name: string, label: MessageKey, part: boolean][]} */
const ROWS = [
  ["input_tokens", "usage_input", false],
  ["cached_input_tokens", "usage_cached", true],
  ["output_tokens", "usage_output", false],
  ["reasoning_output_tokens", "usage_reasoning", true],
];

/** @param {Meter} meter */
export function conversationPart(meter) {
  const { usage, last, context_window, compact_at } = meter;
  const columns = last ? [last, usage] : [usage];
  const rows = ROWS.filter(([name]) => columns.some((column) => column[name] > 0)).map(([name, label, isPart]) =>
    el(
      "tr",
      { class: isPart && "part" },
      el("th", { scope: "row" }, message(label)),
      ...columns.map((column) => el("td", {}, column[name] > 0 ? numberText(column[name]).long : "–")),
    ),
  );
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, message("limits_tokens")),
    last && el("th", { scope: "col" }, message("usage_last_answer")),
    el("th", { scope: "col" }, message("usage_total")),
  );
  const table = el("table", { class: "numbers" }, el("thead", {}, head), el("tbody", {}, ...rows));
  const text = contextText(meter);
  if (!text) return [table];
  const percent = context_window && (100 * (meter.context_used ?? 0)) / context_window;
  const context = gaugeLine(message("usage_context"), text.long, percent, message("usage_tokens", text.long));
  if (compact_at) context.append(el("p", { class: "note" }, message("usage_compaction_at", compact_at)));
  return [context, table];
}
