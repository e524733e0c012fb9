/** Texts about a turn: the status line, how it waits, and what it has used. */

import { isUnfinished } from "../../shared/turn-status.js";
import { numberText } from "../formats.js";
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
  if (isCalling) return "Reconnecting to the background process…";
  if (running?.notice) return running.notice;
  if (boot.state === "starting") return boot.message || "Starting…";
  if (running) return progress(running, model);
  if (last?.kind === "compaction" && last.status === "completed") return `${compactionText(last)}.`;
  if (last?.status === "completed") return hasOnlyThought(last) ? "" : "The answer is complete.";
  if (last?.status === "stopped") return "Stopped. What had arrived is kept.";
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
  if (turn.blocks.some((candidate) => candidate.asks)) return "The model waits for your permission.";
  const at = turn.blocks.at(-1);
  if (at?.kind === "tool" && at.call_id && !at.open && at.output === undefined) return `${toolTitle(at)}…`;
  const block = turn.blocks.findLast((candidate) => candidate.open);
  if (block?.kind === "reasoning") return "Thinking…";
  if (block?.kind === "tool") return `${callLine(block).title}…`;
  if (block?.text) return "Writing…";
  return `Waiting for ${turn.model || model || "the model"}…`;
}

/**
 * What is to say of a compaction.
 * @param {Turn} turn
 * @returns {string}
 */
export function compactionText(turn) {
  if (isUnfinished(turn.status)) return "Summarising earlier messages…";
  if (turn.status === "completed") return "Earlier messages were summarised";
  return "Earlier messages were not summarised";
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
      return "Waits its turn";
    case "offline":
      return "Waits for the network";
    case "pause":
      return "Held back: the answer before it went wrong";
    case "rate_limit":
      if (!until) return "Waits for the rate limit";
      return `Rate limit: ${hasBegun ? "continues" : "goes"} in ${countdown(until - now)}`;
  }
}

/**
 * @param {number} ms
 * @returns {string}
 */
function countdown(ms) {
  const seconds = Math.max(Math.ceil(ms / 1000), 0);
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)} min`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`;
}

/**
 * @param {Turn} turn
 * @returns {{short: string, long: string} | null}
 */
export function usageText({ usage, model }) {
  if (!usage?.input_tokens && !usage?.output_tokens) return null;
  const tokens = (/** @type {string} */ name) => numberText(usage[name] ?? 0).long;
  const parts = [`Input: ${tokens("input_tokens")} tokens`];
  if (usage.cached_input_tokens) parts.push(`of these from the cache: ${tokens("cached_input_tokens")}`);
  parts.push(`Output: ${tokens("output_tokens")} tokens`);
  if (usage.reasoning_output_tokens) parts.push(`of these reasoning: ${tokens("reasoning_output_tokens")}`);
  if (model) parts.push(`Model: ${model}`);
  return { short: `${tokens("input_tokens")} in · ${tokens("output_tokens")} out`, long: parts.join("\n") };
}
