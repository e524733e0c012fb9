/** What a conversation has used, as a part of the usage dialog. */

import { el } from "../../ui/dom.js";
import { numberText } from "../formats.js";
import { gaugeLine } from "./gauge-view.js";
import { contextText } from "./usage-labels.js";

/** @import {Meter} from "../../shared/protocol.js" */

/** @type {[name: string, label: string, part: boolean][]} */
const ROWS = [
  ["input_tokens", "Input", false],
  ["cached_input_tokens", "cached", true],
  ["output_tokens", "Output", false],
  ["reasoning_output_tokens", "reasoning", true],
];

/** @param {Meter} meter */
export function conversationPart(meter) {
  const { usage, last, context_window, compact_at } = meter;
  const columns = last ? [last, usage] : [usage];
  const rows = ROWS.filter(([name]) => columns.some((column) => column[name] > 0)).map(([name, label, isPart]) =>
    el(
      "tr",
      { class: isPart && "part" },
      el("th", { scope: "row" }, label),
      ...columns.map((column) => el("td", {}, column[name] > 0 ? numberText(column[name]).long : "–")),
    ),
  );
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Tokens"),
    last && el("th", { scope: "col" }, "Last answer"),
    el("th", { scope: "col" }, "All together"),
  );
  const table = el("table", { class: "numbers" }, el("thead", {}, head), el("tbody", {}, ...rows));
  const text = contextText(meter);
  if (!text) return [table];
  const percent = context_window && (100 * (meter.context_used ?? 0)) / context_window;
  const context = gaugeLine("Context window", text.long, percent, "tokens");
  if (compact_at) context.append(el("p", { class: "note" }, `Compaction at ${numberText(compact_at).long} tokens`));
  return [context, table];
}
