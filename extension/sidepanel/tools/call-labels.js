/** Texts about calls of tools: their titles, their states, and the questions whether a call is allowed. */

import { text as message, plural } from "../../shared/text.js";
import { durationText, listText, rowText } from "../formats.js";

/** @import {Block} from "../../shared/protocol.js" */
/** @import {MessageKey} from "../../shared/text.js" */

/** @type {Map<string, MessageKey>} */
const BUILT_IN_TOOLS = new Map([
  ["web_search", "tool_web_search"],
  ["file_search", "tool_file_search"],
  ["code_interpreter", "tool_code_interpreter"],
  ["image_generation", "tool_image_generation"],
  ["local_shell", "tool_local_shell"],
  ["python", "tool_python"],
  ["read_page", "tool_reads_page"],
  ["read_selection", "tool_reads_selection"],
]);

/**
 * What the provider's own tools do and have done. The texts with `_for` also say what is searched for.
 * @typedef {{doing: MessageKey, done: MessageKey, failed: MessageKey}} Deeds
 * @type {Map<string, Deeds>}
 */
const DEEDS = new Map([
  ["web_search", { doing: "tool_web_doing", done: "tool_web_done", failed: "tool_web_failed" }],
  ["file_search", { doing: "tool_files_doing", done: "tool_files_done", failed: "tool_files_failed" }],
  ["code_interpreter", { doing: "tool_code_doing", done: "tool_code_done", failed: "tool_code_failed" }],
  ["image_generation", { doing: "tool_image_doing", done: "tool_image_done", failed: "tool_image_failed" }],
]);

/** How a call that is carried out here may end without having been done. */
const NOT_DONE = new Set(["refused", "ended_early", "not_carried_out", "not_run"]);

/** States of a call that are known. A provider may have others, which are shown as they are. @type {Map<string, MessageKey>} */
const STATES = new Map([
  ["refused", "tool_state_refused"],
  ["ended_early", "tool_state_ended_early"],
  ["not_carried_out", "tool_state_not_carried_out"],
  ["not_run", "tool_state_not_run"],
  ["failed", "tool_state_failed"],
  ["incomplete", "tool_state_incomplete"],
  ["completed", "tool_state_completed"],
  ["searching", "tool_state_searching"],
  ["generating", "tool_state_generating"],
  ["interpreting", "tool_state_running"],
  ["writing_code", "tool_state_writing_code"],
  ["code", "tool_state_writing_code"],
]);

/** So much of a query stands in a title. */
const TITLE_LENGTH = 100;

/**
 * What the user is asked about the tools that read.
 * @type {Map<string, {name: MessageKey, question: MessageKey}>}
 */
const READING = new Map([
  ["read_page", { name: "tool_allow_page", question: "tool_ask_page" }],
  ["read_selection", { name: "tool_allow_selection", question: "tool_ask_selection" }],
]);

/** More lines of code than these have to be scrolled to. */
const LINES_IN_VIEW = 15;

/**
 * @param {Partial<Block>} block
 * @returns {string}
 */
export function toolTitle({ name }) {
  const known = BUILT_IN_TOOLS.get(name ?? "");
  return known ? message(known) : (name ?? message("tool_unnamed"));
}

/** @param {string} name  Of a tool: whether it reads what the browser shows. */
export function readsPage(name) {
  return READING.has(name);
}

/**
 * What a question about a call is called.
 * @param {string} name  The tool's.
 * @returns {string}
 */
export function questionName(name) {
  const reading = READING.get(name);
  return reading ? message(reading.name) : message("tool_allow", toolTitle({ name }));
}

/**
 * What the user is asked about a call.
 * @param {string} name  The tool's.
 * @param {string[]} hosts  Those that Python may reach.
 * @param {{lines: number, hasUnseen: boolean, lookAlikes: string[]}} [about]  What it is called with, which is shown
 *   beside.
 * @returns {string}
 */
export function askText(
  name,
  hosts,
  { lines, hasUnseen, lookAlikes } = { lines: 1, hasUnseen: false, lookAlikes: [] },
) {
  const reading = READING.get(name);
  if (reading) return message(reading.question);
  const isCode = name === "python";
  const sentences = [
    isCode ? codeQuestion(lines) : message("tool_ask_named", toolTitle({ name })),
    hasUnseen && message("tool_ask_invisible"),
    lookAlikes.length > 0 && message("tool_ask_look_alikes", rowText(lookAlikes)),
    isCode && hosts.length > 0 && message("tool_ask_hosts", listText(hosts)),
    message("tool_ask_allow"),
  ];
  return sentences.filter(Boolean).join(" ");
}

/** @param {number} lines */
function codeQuestion(lines) {
  return lines > LINES_IN_VIEW ? plural("tool_ask_lines", lines) : message("tool_ask_code");
}

/**
 * @param {Block} block
 * @param {boolean} [hasEnded]  Its turn has: what was not carried out will not be any more.
 * @returns {string}
 */
export function toolState({ status, call_id, open, asks, begun, output, failed, duration_ms }, hasEnded = false) {
  if (asks) return message("tool_state_asks");
  if (begun) return message("tool_state_running");
  const time = duration_ms === undefined ? "" : durationText(duration_ms);
  if (status && NOT_DONE.has(status)) return stateText(status);
  if (failed && status && status !== "completed") return stateText(status);
  if (failed) return time ? message("tool_state_failed_after", time) : message("tool_state_failed");
  if (output !== undefined) return time || message("tool_state_done");
  // The provider's "completed" says that a call is written, not that anybody has carried it out.
  if (status === "completed" && call_id !== undefined) return hasEnded ? message("tool_state_not_run") : "";
  if (status && status !== "in_progress") return stateText(status);
  return open ? message("tool_state_running") : "";
}

/** @param {string} status */
function stateText(status) {
  const known = STATES.get(status);
  return known ? message(known) : status.replaceAll("_", " ");
}

/**
 * The line of a call: what is done, and how it stands. Of the provider's own tools it is a sentence, of all others the
 * name.
 * @param {Block} block
 * @param {boolean} [hasEnded]  Its turn has.
 * @returns {{title: string, state: string}}
 */
export function callLine(block, hasEnded = false) {
  const deeds = DEEDS.get(block.name ?? "");
  // What has a call id is a tool of ours under the same name.
  if (!deeds || block.call_id) return { title: toolTitle(block), state: toolState(block, hasEnded) };
  if (block.failed) return { title: message(deeds.failed), state: "" };
  if (block.open) return { title: withQuery(block, message(doing(block, deeds.doing))), state: "" };
  if (block.status === "completed") return { title: withQuery(block, message(deeds.done)), state: "" };
  const state = message(block.status === "not_run" ? "tool_state_not_run" : "tool_state_not_finished");
  return { title: withQuery(block, toolTitle(block)), state };
}

/**
 * @param {Block} block
 * @param {MessageKey} otherwise
 * @returns {MessageKey}
 */
function doing({ name, status }, otherwise) {
  return name === "code_interpreter" && (status === "code" || status === "in_progress")
    ? "tool_code_writing"
    : otherwise;
}

/**
 * With what is searched for; of a page that was opened, its host.
 * @param {Block} block
 * @param {string} deed
 */
function withQuery({ name, text }, deed) {
  if ((name !== "web_search" && name !== "file_search") || !text) return deed;
  if (name === "web_search" && URL.canParse(text)) return message("tool_web_read", new URL(text).host);
  const query = text.length > TITLE_LENGTH ? `${text.slice(0, TITLE_LENGTH).trimEnd()}…` : text;
  return message("tool_query", deed, query);
}
