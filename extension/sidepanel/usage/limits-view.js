/** The limits of the providers, as a part of the usage dialog. */

import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { dateTimeText, spanText, timeText } from "../formats.js";
import { gaugeLine } from "./gauge-view.js";
import { gauges } from "./gauges.js";
import { creditsText, gaugeText, hostText, resetText, withReset } from "./usage-labels.js";

/** @import {Limits} from "../../shared/protocol.js" */

/**
 * @typedef {object} LimitsTexts
 * @property {string} title
 * @property {{label: string, text: string, percent?: number, reset: string, resets_at?: number}[]} lines
 * @property {string[]} notes
 * @property {boolean} isPassing  It will be over by itself.
 */

/**
 * @param {Limits} limits
 * @param {number} now
 * @returns {LimitsTexts | null}  Null when nothing of it holds any more.
 */
export function limitsTexts(limits, now) {
  const { name, model, plan, credits, wait_until = 0, at } = limits;
  const lines = gauges(limits, now).map((gauge) => ({
    label: gauge.label,
    text: gaugeText(gauge),
    percent: gauge.percent,
    reset: resetText(gauge.resets_at, now),
    resets_at: gauge.resets_at,
  }));
  const notes = [
    plan && message("usage_plan", plan),
    credits && creditsText(credits),
    wait_until > now && message("usage_wait", spanText(wait_until - now)),
  ].filter((note) => typeof note === "string");
  if (lines.length === 0 && notes.length === 0) return null;
  return {
    title: [hostText(name), model].filter(Boolean).join(" · "),
    lines,
    notes: [...notes, message("usage_as_of", timeText(at, now))],
    isPassing: wait_until > now || lines.some(({ resets_at }) => resets_at !== undefined),
  };
}

/** @param {LimitsTexts} texts */
export function limitsPart({ title, lines, notes }) {
  return [
    el("h4", {}, title),
    ...lines.map(({ label, text, percent, reset, resets_at = 0 }) => {
      const line = gaugeLine(label, text, percent, withReset(text, reset));
      if (reset) line.append(el("p", { class: "note", title: dateTimeText(new Date(resets_at)) }, reset));
      return line;
    }),
    el("p", { class: "note" }, notes.join(" · ")),
  ];
}
