/**
 * What the panel says in words, apart from what the model says.
 */

import { isUnfinished } from "../shared/turn-status.js";
import { durationText } from "./tools/python-labels.js";

/** @import {Block, ConversationSettings, Meter, PanelMessage, ProviderView, StorageUse, Turn, Waiting} from "../shared/protocol.js" */
/** @import {Gauge} from "./usage/gauges.js" */

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
 * Who answers in a conversation.
 * @param {ProviderView | null} provider
 * @param {ConversationSettings} own
 * @returns {{id: string | null, name: string, model: string, hasOwnProfile: boolean, tools: Record<string, "yes" | "perhaps">}}
 */
export function answererOf(provider, own) {
  if (!provider) return { id: null, name: "", model: own.model ?? "", hasOwnProfile: false, tools: {} };
  const profile = provider.profiles.find(({ id }) => id === own.profile);
  const { name, model } = profile ?? provider;
  const { tools = {} } = profile ?? provider.profiles.find(({ id }) => id === provider.active) ?? {};
  return {
    id: profile?.id ?? provider.active,
    name,
    model: own.model ?? model,
    hasOwnProfile: profile !== undefined,
    tools,
  };
}

/**
 * What is to say of a compaction.
 * @param {Turn} turn
 * @returns {string}
 */
export function compactionText({ status }) {
  if (isUnfinished(status)) return "Summarising earlier messages…";
  if (status === "completed") return "Earlier messages were summarised";
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
 * @param {Partial<Block>} block
 * @returns {string}
 */
export function toolTitle({ name }) {
  return BUILT_IN_TOOLS.get(name ?? "") ?? name ?? "Tool";
}

/** What is read by the tools that read. */
const READING = new Map([
  ["read_page", "the page"],
  ["read_selection", "what you have selected on the page"],
]);

/** More lines of code than these have to be scrolled to. */
const LINES_IN_VIEW = 15;

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
 * @param {{lines: number, hasUnseen: boolean, lookAlikes: string[]}} [about]  What it is called with, which is shown beside.
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
  const what = lines > LINES_IN_VIEW ? `these ${number.format(lines)} lines of code` : "this code";
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
 * The line of a call: what is done, and how it stands. Of the provider's own tools it is a sentence, of all others the name.
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

const number = new Intl.NumberFormat();

/**
 * @param {Turn} turn
 * @returns {{short: string, long: string} | null}
 */
export function usageText({ usage, model }) {
  if (!usage?.input_tokens && !usage?.output_tokens) return null;
  const tokens = (/** @type {string} */ name) => number.format(usage[name] ?? 0);
  const parts = [`Input: ${tokens("input_tokens")} tokens`];
  if (usage.cached_input_tokens) parts.push(`of these from the cache: ${tokens("cached_input_tokens")}`);
  parts.push(`Output: ${tokens("output_tokens")} tokens`);
  if (usage.reasoning_output_tokens) parts.push(`of these reasoning: ${tokens("reasoning_output_tokens")}`);
  if (model) parts.push(`Model: ${model}`);
  return { short: `${tokens("input_tokens")} in · ${tokens("output_tokens")} out`, long: parts.join("\n") };
}

/**
 * @param {number} tokens  Estimated.
 */
export function tokensText(tokens) {
  // More digits would promise more than an estimate can keep.
  const digits = Math.max(String(tokens).length - 2, 0);
  return `about ${number.format(Math.round(tokens / 10 ** digits) * 10 ** digits)} tokens`;
}

/** A rough count, as in `session/usage.py`: four bytes to a token. @param {string} text */
export function estimateTokens(text) {
  return Math.ceil(new TextEncoder().encode(text).length / 4);
}

/** @param {string} url */
export function hostOf(url) {
  return URL.canParse(url) ? new URL(url).host || url : url;
}

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });

/**
 * @param {number} count
 * @returns {{short: string, long: string}}  "12.3K" and "12,345".
 */
export function numberText(count) {
  return { short: compact.format(count), long: number.format(count) };
}

/**
 * How many tokens of the context window are taken, where that is known.
 * @param {Meter | undefined} meter
 * @returns {{short: string, long: string} | null}
 */
export function contextText(meter) {
  if (meter?.context_used === undefined) return null;
  const used = numberText(meter.context_used);
  if (!meter.context_window) return used;
  const all = numberText(meter.context_window);
  return { short: `${used.short} of ${all.short}`, long: `${used.long} of ${all.long}` };
}

/**
 * Never "100%" before it is reached.
 * @param {number} used  From 0 to 100.
 */
export function percentText(used) {
  return percent.format(Math.floor(used) / 100);
}

/**
 * How much of a limit is used.
 * @param {Gauge} gauge
 * @returns {string}
 */
export function gaugeText({ percent: used, limit, remaining }) {
  if (remaining !== undefined && limit !== undefined)
    return `${number.format(remaining)} of ${number.format(limit)} left`;
  if (remaining !== undefined) return `${number.format(remaining)} left`;
  if (used !== undefined) return `${percentText(used)} used`;
  return `at most ${number.format(limit ?? 0)}`;
}

/**
 * @param {{has_credits: boolean, unlimited: boolean, balance?: string}} credits
 * @returns {string}
 */
export function creditsText({ has_credits, unlimited, balance }) {
  if (unlimited) return "Credits: unlimited";
  if (!has_credits) return "Credits: none left";
  return balance ? `Credits: ${balance} left` : "Credits: available";
}

/**
 * A span of time in its two largest units: "2 h 5 min".
 * @param {number} ms
 * @returns {string}
 */
export function spanText(ms) {
  const seconds = Math.max(Math.ceil(ms / 1000), 0);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joined([hours, "h"], [minutes % 60, "min"]);
  return joined([Math.floor(hours / 24), "d"], [hours % 24, "h"]);
}

/** @param {...[number, string]} parts */
function joined(...parts) {
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const DAY_MS = 86_400_000;

/**
 * How long ago something was; for more than a week, its date.
 * @param {number} then  Unix time in milliseconds.
 * @param {number} now
 * @returns {string}
 */
export function timeText(then, now) {
  const minutes = Math.floor((now - then) / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return relative.format(-minutes, "minute");
  const days = Math.round((startOfDay(now) - startOfDay(then)) / DAY_MS);
  if (days === 0) return relative.format(-Math.floor(minutes / 60), "hour");
  if (days < 7) return relative.format(-days, "day");
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return new Date(then).toLocaleDateString(undefined, {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
}

/** @param {number} time */
function startOfDay(time) {
  return new Date(time).setHours(0, 0, 0, 0);
}

const megabytes = new Intl.NumberFormat(undefined, {
  style: "unit",
  unit: "megabyte",
  maximumSignificantDigits: 3,
});

/**
 * @param {StorageUse} use
 * @returns {string}
 */
export function storageText({ used_bytes, snapshot_bytes, conversations }) {
  const inMegabytes = (/** @type {number} */ bytes) => megabytes.format(bytes / 1e6);
  const count = `${number.format(conversations)} ${conversations === 1 ? "conversation" : "conversations"}`;
  const forPython = snapshot_bytes ? `, ${inMegabytes(snapshot_bytes)} of it to start fast` : "";
  return `${count} · ${inMegabytes(used_bytes)} on disk${forPython}`;
}
