/**
 * A turn as the panel knows it. The worker builds the same blocks from the same events (`session/turn_reducer.py` and
 * `session/blocks.py`).
 *
 * A block object stays the same as long as text is only added to it, so whoever draws it may continue where it stopped.
 * A block whose text changes otherwise is replaced by a new object.
 */

import { pythonText } from "./python-text.js";
import { language, text as message } from "./text.js";
import { shownOf } from "./tool-results.js";
import { addCitations, builtInName, citationsOf, logsOf, toolOf } from "./turn-items.js";
import { isUnfinished } from "./turn-status.js";

/** @import {Block, ResponseEvent, Turn} from "./protocol.js" */

/** What a turn may have had and has no longer. */
const OPTIONAL = /** @type {const} */ ([
  "model",
  "error",
  "usage",
  "notice",
  "notices",
  "finish_reason",
  "waiting",
  "siblings",
  "actions",
]);

/**
 * Whether the turn is being answered, or is about to be. A queued turn is not.
 * @param {Turn} turn
 * @returns {boolean}
 */
export function isUnderWay(turn) {
  return isUnfinished(turn.status) && !turn.waiting;
}

/**
 * Whether nothing more will come of the turn by itself.
 * @param {Turn} turn
 * @returns {boolean}
 */
export function hasEnded(turn) {
  return !isUnfinished(turn.status);
}

/**
 * Which of the versions of its place in the conversation a turn is, counted from 1.
 * @param {Turn} turn
 * @returns {{at: number, of: number}}
 */
export function versionOf({ id, siblings = [id] }) {
  return { at: siblings.indexOf(id) + 1, of: siblings.length };
}

/**
 * Gives `turn` everything that `fresh` says, and keeps the block objects that only grew.
 * @param {Turn} turn
 * @param {Turn} fresh
 * @returns {Turn}
 */
export function takeOver(turn, fresh) {
  const blocks = fresh.blocks.map((block, index) => {
    const old = turn.blocks[index];
    if (!old || old.kind !== block.kind) return block;
    // What a call has to show may be left out of what is said of it later.
    const isLeftOut = !block.shown || block.shown.held_back;
    if (old.shown && isLeftOut && old.item_id === block.item_id) block.shown = old.shown;
    if (!block.text.startsWith(old.text)) return block;
    delete old.asks;
    delete old.begun;
    return Object.assign(old, block);
  });
  for (const name of OPTIONAL) delete turn[name];
  Object.assign(turn, fresh, { blocks });
  if (hasEnded(turn)) closeAll(turn);
  return turn;
}

/**
 * Adds to a turn what one event says.
 * @param {Turn} turn
 * @param {ResponseEvent} event
 */
export function applyEvent(turn, event) {
  if (event.type === "Reconnecting") {
    if (!event.resumes) turn.blocks = turn.blocks.filter((block) => !block.open);
    turn.status = "reconnecting";
    turn.notice = reconnectingNotice(event);
    return;
  }
  turn.status = "running";
  delete turn.notice;

  switch (event.type) {
    case "OutputItemAdded":
      begin(turn, event.item);
      break;
    case "OutputItemDone":
      end(turn, event.item);
      break;
    case "OutputTextDelta":
      open(turn, "text", event.item_id).text += event.delta;
      break;
    case "OutputTextReplaced":
      replaceText(turn, event.item_id, event.text);
      break;
    case "RefusalDelta":
      open(turn, "refusal", event.item_id).text += event.delta;
      break;
    case "ReasoningSummaryPartAdded":
      beginPart(open(turn, "reasoning"), event.summary_index);
      break;
    case "ReasoningSummaryDelta": {
      const block = open(turn, "reasoning");
      // Of a block that a joining panel got whole the part is unknown; most likely it goes on.
      if (!block.text || summaryParts.has(block)) beginPart(block, event.summary_index);
      else summaryParts.set(block, event.summary_index);
      block.text += event.delta;
      break;
    }
    case "ReasoningContentDelta":
      open(turn, "reasoning").text += event.delta;
      break;
    case "OutputTextAnnotationAdded": {
      const citations = citationsOf([event.annotation]);
      if (citations.length > 0) addCitations(open(turn, "text", event.item_id), citations);
      break;
    }
    case "FunctionCallArgumentsDelta":
    case "ToolCallInputDelta": {
      const block = openTool(turn, event.item_id, event.name ?? "tool");
      block.call_id ??= event.call_id;
      block.text += event.delta;
      break;
    }
    case "WebSearchCallBegin":
      openTool(turn, event.call_id, "web_search");
      break;
    case "ToolCallProgress": {
      const block = openTool(turn, event.item_id, builtInName(event.tool));
      block.status = event.status;
      if (event.detail) block.text += event.detail;
      break;
    }
    case "StreamIdle":
      turn.notice = message("turn_silent", seconds(event.idle_ms), seconds(event.timeout_ms));
      break;
    case "SafetyBuffering":
      if (event.show_buffering_ui) turn.notice = message("turn_checking");
      break;
    case "ServerModel":
      turn.model = event.model;
      break;
    case "Notice":
      if (!turn.notices?.includes(event.message)) turn.notices = [...(turn.notices ?? []), event.message];
      break;
    case "Completed":
      if (event.token_usage) turn.usage = event.token_usage;
      if (event.finish_reason) turn.finish_reason = event.finish_reason;
      closeAll(turn);
      break;
  }
}

/** The part that each reasoning summary is at. @type {WeakMap<Block, number>} */
const summaryParts = new WeakMap();

/**
 * Sets a new part of a reasoning summary off with a blank line.
 * @param {Block} block
 * @param {number} index
 */
function beginPart(block, index) {
  if (index !== summaryParts.get(block) && block.text && !block.text.endsWith("\n\n")) block.text += "\n\n";
  summaryParts.set(block, index);
}

/** @param {Turn} turn */
function closeAll(turn) {
  for (const block of turn.blocks) block.open = false;
  if (turn.blocks.some(isEmpty)) turn.blocks = turn.blocks.filter((block) => !isEmpty(block));
}

/**
 * Whether there is nothing to show of a block. A tool's always shows its name.
 * @param {Block} block
 * @returns {boolean}
 */
function isEmpty(block) {
  return block.kind !== "tool" && !block.text;
}

/**
 * @param {ResponseEvent} event
 * @returns {string}
 */
function reconnectingNotice({ attempt, max_attempts, delay_ms, reason, reason_text }) {
  return message("turn_reconnecting", attempt, max_attempts, seconds(delay_ms), pythonText(reason, reason_text));
}

/**
 * @param {number} ms
 * @returns {string}
 */
function seconds(ms) {
  const digits = ms < 10_000 && ms % 1000 !== 0 ? 1 : 0;
  const options = { useGrouping: false, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return message("turn_seconds", (ms / 1000).toLocaleString(language(), options));
}

/**
 * The open block of this kind that a delta belongs to; a new one when there is none.
 * @param {Turn} turn
 * @param {Block["kind"]} kind
 * @param {string | null} [itemId]
 * @returns {Block}
 */
function open(turn, kind, itemId) {
  return findOpen(turn, kind, itemId) ?? push(turn, { kind, text: "", item_id: itemId ?? undefined, open: true });
}

/**
 * @param {Turn} turn
 * @param {Block["kind"]} kind
 * @param {string | null} [itemId]
 * @returns {Block | undefined}
 */
function findOpen(turn, kind, itemId) {
  return turn.blocks.findLast(
    (block) => block.open && block.kind === kind && (!itemId || !block.item_id || block.item_id === itemId),
  );
}

/**
 * The message turns out to have begun with something else: with reasoning that no tag had opened.
 * @param {Turn} turn
 * @param {string | null | undefined} itemId
 * @param {string} text
 */
function replaceText(turn, itemId, text) {
  const block = findOpen(turn, "text", itemId);
  if (!block) return;
  const index = turn.blocks.indexOf(block);
  if (text) turn.blocks[index] = { ...block, text };
  // What comes next stands where it comes: after the reasoning.
  else turn.blocks.splice(index, 1);
}

/**
 * @param {Turn} turn
 * @param {string} itemId
 * @param {string} name
 * @returns {Block}
 */
function openTool(turn, itemId, name) {
  // What the worker gave an output belongs to an earlier call of the model: some servers count anew. Without an id,
  // what is finished is another one.
  const isAnswered = (/** @type {Block} */ block) => block.output !== undefined && block.call_id !== undefined;
  const found = turn.blocks.findLast(
    (block) => block.kind === "tool" && block.item_id === itemId && (itemId !== "" || block.open) && !isAnswered(block),
  );
  return found ?? push(turn, { kind: "tool", text: "", name, item_id: itemId, open: true });
}

/**
 * @param {Turn} turn
 * @param {Block} block
 * @returns {Block}
 */
function push(turn, block) {
  turn.blocks.push(block);
  return block;
}

/**
 * @param {Turn} turn
 * @param {Record<string, any>} item
 */
function begin(turn, item) {
  // A message begins with its first delta: only that tells text from refusal.
  if (item.type === "reasoning") {
    open(turn, "reasoning", item.id);
    return;
  }
  const tool = toolOf(item);
  if (!tool) return;
  const block = openTool(turn, tool.item_id, tool.name);
  Object.assign(block, { ...tool, text: block.text || tool.text, status: tool.status ?? block.status });
}

/**
 * Closes the item's block. What the finished item says is what counts.
 * @param {Turn} turn
 * @param {Record<string, any>} item
 */
function end(turn, item) {
  if (item.type === "message") {
    if (item.role !== "assistant") return;
    const parts = /** @type {Record<string, any>[]} */ (item.content ?? []);
    const texts = parts.filter((part) => part.type === "output_text");
    const refusals = parts.filter((part) => part.type === "refusal");
    const text = close(turn, "text", item.id, texts.map((part) => part.text).join(""));
    if (text) addCitations(text, citationsOf(texts.flatMap((part) => part.annotations ?? [])));
    close(turn, "refusal", item.id, refusals.map((part) => part.refusal).join(""));
  } else if (item.type === "reasoning") {
    const parts = [...(item.summary ?? []), ...(item.content ?? [])];
    endReasoning(turn, item.id, parts.map((part) => part.text).join("\n\n"));
  } else {
    const tool = toolOf(item);
    if (!tool) return;
    const block = openTool(turn, tool.item_id, tool.name);
    const status = tool.status ?? "completed";
    Object.assign(block, { ...tool, text: tool.text || block.text, status, open: false });
    if (status === "failed") block.failed = true;
    const logs = logsOf(item);
    if (logs) block.output = logs;
    const shown = shownOf(item);
    if (shown) block.shown = shown;
  }
}

/**
 * Reasoning may be finished twice, the second time with what only the end of the answer brings.
 * @param {Turn} turn
 * @param {string | null | undefined} itemId
 * @param {string} text
 */
function endReasoning(turn, itemId, text) {
  const again = findOpen(turn, "reasoning", itemId) ? -1 : indexOfFinished(turn, "reasoning", itemId);
  if (again < 0) close(turn, "reasoning", itemId, text);
  else if (text && text !== turn.blocks[again].text) turn.blocks[again] = { ...turn.blocks[again], text };
}

/**
 * Where the finished block of this item is. Ids may be counted anew in each of the model's answers, and a call that has
 * its output ends one.
 * @param {Turn} turn
 * @param {Block["kind"]} kind
 * @param {string | null | undefined} itemId
 */
function indexOfFinished(turn, kind, itemId) {
  if (!itemId) return -1;
  const begin = turn.blocks.findLastIndex(({ call_id, output }) => call_id !== undefined && output !== undefined);
  return turn.blocks.findLastIndex(
    (block, index) => index > begin && block.kind === kind && block.item_id === itemId && !block.open,
  );
}

/**
 * @param {Turn} turn
 * @param {Block["kind"]} kind
 * @param {string | null | undefined} itemId
 * @param {string} text
 * @returns {Block | undefined}
 */
function close(turn, kind, itemId, text) {
  const block = findOpen(turn, kind, itemId);
  if (!block) return text ? push(turn, { kind, text, item_id: itemId ?? undefined, open: false }) : undefined;
  const index = turn.blocks.indexOf(block);
  if (!text && !block.text) {
    turn.blocks.splice(index, 1);
    return undefined;
  }
  block.open = false;
  if (text.startsWith(block.text)) block.text = text;
  else if (text) turn.blocks[index] = { ...block, text };
  return turn.blocks[index];
}
