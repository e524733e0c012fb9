/** Texts about a turn: the status line, how it waits, and what it has used. */

import { text } from "../../shared/text.js";
import { isUnfinished } from "../../shared/turn-status.js";
import { countdownText } from "../formats.js";
import { callLine, toolTitle } from "../tools/call-labels.js";

/** @import {PanelMessage, Turn, Waiting} from "../../shared/protocol.js" */

/**
 * The one line that says what is going on. It changes with the state, not with every word, since screen readers read it
 * out.
 * @param {object} state
 * @param {Extract<PanelMessage, {type: "Boot"}>} state.boot
 * @param {Turn} [state.running]
 * @param {Turn} [state.last]  The turn that ended while this panel was open.
 * @param {boolean} state.isCalling
 * @param {string} state.model  The one that answers; empty where it is not known.
 * @returns {string}
 */
export function statusText({ boot, running, last, isCalling, model }) {
  if (isCalling) return text("status_reconnecting");
  if (running?.notice) return running.notice;
  if (boot.state === "starting") return boot.message || text("status_starting");
  if (running) return progress(running, model);
  if (last?.kind === "compaction" && last.status === "completed") return text("status_compacted");
  if (last?.status === "completed") return hasOnlyThought(last) ? "" : text("status_completed");
  if (last?.status === "stopped") return text("status_stopped");
  return "";
}

/** @param {Turn} turn */
function hasOnlyThought({ blocks }) {
  return blocks.length > 0 && blocks.every(({ kind }) => kind === "reasoning");
}

/**
 * @param {Turn} turn
 * @param {string} model
 * @returns {string}
 */
function progress(turn, model) {
  if (turn.kind === "compaction") return compactionText(turn);
  if (turn.blocks.some((candidate) => candidate.asks)) return text("status_asks");
  const at = turn.blocks.at(-1);
  if (at?.kind === "tool" && at.call_id && !at.open && at.output === undefined)
    return text("status_tool", toolTitle(at));
  const block = turn.blocks.findLast((candidate) => candidate.open);
  if (block?.kind === "reasoning") return text("status_thinking");
  if (block?.kind === "tool") return text("status_tool", callLine(block).title);
  if (block?.text) return text("status_writing");
  const name = turn.model || model;
  return name ? text("status_waiting", name) : text("status_waiting_for_model");
}

/**
 * What is to say of a compaction.
 * @param {Turn} turn
 * @returns {string}
 */
export function compactionText(turn) {
  if (isUnfinished(turn.status)) return text("status_compacting");
  if (turn.status === "completed") return text("turn_compacted");
  return text("turn_not_compacted");
}

/**
 * Why a message is queued.
 * @param {Waiting} waiting
 * @param {number} now  Unix time in milliseconds.
 * @param {boolean} hasBegun  Something of the answer is there already.
 * @returns {string}
 */
export function waitingText({ reason, until }, now, hasBegun = false) {
  switch (reason) {
    case "turn":
      return text("queue_queued");
    case "offline":
      return text("queue_offline");
    case "pause":
      return text("queue_on_hold");
    case "rate_limit":
      if (!until) return text("queue_rate_limited");
      return text(hasBegun ? "queue_continuing_in" : "queue_sending_in", countdownText(until - now));
  }
}

/**
 * @param {Turn} turn
 * @returns {{short: string, long: string} | null}
 */
export function usageText({ usage, model }) {
  if (!usage?.input_tokens && !usage?.output_tokens) return null;
  const { input_tokens: input = 0, output_tokens: output = 0 } = usage;
  const parts = [text("turn_usage_input", input)];
  if (usage.cached_input_tokens) parts.push(text("turn_usage_cached", usage.cached_input_tokens));
  parts.push(text("turn_usage_output", output));
  if (usage.reasoning_output_tokens) parts.push(text("turn_usage_reasoning", usage.reasoning_output_tokens));
  if (model) parts.push(text("turn_usage_model", model));
  return { short: text("turn_usage", input, output), long: parts.join("\n") };
}
