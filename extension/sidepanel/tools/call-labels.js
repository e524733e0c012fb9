/** Texts about calls of tools: their titles, their states, and the questions whether a call is allowed. */

import { durationText, numberText } from "../formats.js";

/** @import {Block} from "../../shared/protocol.js" */

const BUILT_IN_TOOLS = new Map(
  Object.entries({
    web_search: "Web search",
    file_search: "File search",
    code_interpreter: "Code interpreter",
    image_generation: "Image generation",
    local_shell: "Shell",
    python: "Python",
    read_page: "Read the page",
    read_selection: "Read the selection",
  }),
);

/**
 * What the provider's own tools do and have done.
 * @type {Map<string, {doing: string, done: string, failed: string}>}
 */
const DEEDS = new Map(
  Object.entries({
    web_search: { doing: "Searching the web", done: "Searched the web", failed: "The web search failed" },
    file_search: { doing: "Searching files", done: "Searched files", failed: "The file search failed" },
    code_interpreter: { doing: "Running code", done: "Ran code", failed: "The code failed" },
    image_generation: { doing: "Making an image", done: "Made an image", failed: "No image was made" },
  }),
);

/** How a call that is carried out here may end without having been done. */
const NOT_DONE = new Set(["refused", "ended_early", "not_carried_out", "not_run"]);

/** So much of a query stands in a title. */
const TITLE_LENGTH = 100;

/** What is read by the tools that read. */
const READING = new Map([
  ["read_page", "the page"],
  ["read_selection", "what you have selected on the page"],
]);

/** More lines of code than these have to be scrolled to. */
const LINES_IN_VIEW = 15;

/**
 * @param {Partial<Block>} block
 * @returns {string}
 */
export function toolTitle({ name }) {
  return BUILT_IN_TOOLS.get(name ?? "") ?? name ?? "Tool";
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
  return reading ? `Allow reading ${reading}?` : `Allow ${toolTitle({ name })}?`;
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
  if (reading) return `The model wants to read ${reading} beside this panel. Allow it?`;
  const odd = lookAlikes.length > 0 ? ` Letters in it pass for Latin ones: ${lookAlikes.join(", ")}.` : "";
  const unseen = `${hasUnseen ? " It holds characters that cannot be seen; their names stand in their place." : ""}${odd}`;
  if (name !== "python") return `The model wants to use ${toolTitle({ name })} as shown.${unseen} Allow it?`;
  const what = lines > LINES_IN_VIEW ? `these ${numberText(lines).long} lines of code` : "this code";
  const reach = hosts.length > 0 ? ` It can reach ${new Intl.ListFormat("en").format(hosts)}.` : "";
  return `The model wants to run ${what}.${unseen}${reach} Allow it?`;
}

/**
 * @param {Block} block
 * @param {boolean} [hasEnded]  Its turn has: what was not carried out will not be any more.
 * @returns {string}
 */
export function toolState({ status, call_id, open, asks, begun, output, failed, duration_ms }, hasEnded = false) {
  if (asks) return "waits for your permission";
  if (begun) return "running";
  const time = duration_ms === undefined ? "" : durationText(duration_ms);
  if (status && NOT_DONE.has(status)) return status.replaceAll("_", " ");
  if (failed && status && status !== "completed") return status.replaceAll("_", " ");
  if (failed) return time ? `failed · ${time}` : "failed";
  if (output !== undefined) return time || "done";
  // The provider's "completed" says that a call is written, not that anybody has carried it out.
  if (status === "completed" && call_id !== undefined) return hasEnded ? "not run" : "";
  if (status && status !== "in_progress") return status.replaceAll("_", " ");
  return open ? "running" : "";
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
  if (block.failed) return { title: deeds.failed, state: "" };
  if (block.open) return { title: inWords(block, doing(block, deeds.doing)), state: "" };
  if (block.status === "completed") return { title: inWords(block, deeds.done), state: "" };
  return { title: inWords(block, toolTitle(block)), state: block.status === "not_run" ? "not run" : "not finished" };
}

/**
 * @param {Block} block
 * @param {string} otherwise
 */
function doing({ name, status }, otherwise) {
  return name === "code_interpreter" && (status === "code" || status === "in_progress") ? "Writing code" : otherwise;
}

/**
 * With what is searched for; of a page that was opened, its host.
 * @param {Block} block
 * @param {string} deed
 */
function inWords({ name, text }, deed) {
  if ((name !== "web_search" && name !== "file_search") || !text) return deed;
  if (name === "web_search" && URL.canParse(text)) return `Read ${new URL(text).host}`;
  return `${deed}: ${text.length > TITLE_LENGTH ? `${text.slice(0, TITLE_LENGTH).trimEnd()}…` : text}`;
}
