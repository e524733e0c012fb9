/**
 * What the panel says in words, apart from what the model says.
 */

/** @import {Block, PanelMessage, ProviderView, Turn} from "../protocol.js" */

const BUILT_IN_TOOLS = new Map(
  Object.entries({
    web_search: "Web search",
    file_search: "File search",
    code_interpreter: "Code interpreter",
    image_generation: "Image generation",
    local_shell: "Shell",
  }),
);

/**
 * The one line that says what is going on. It changes with the state, not with every word, since screen readers read it
 * out.
 * @param {object} state
 * @param {Extract<PanelMessage, {type: "Boot"}>} state.boot
 * @param {Turn} [state.running]
 * @param {Turn} [state.last]  The turn that ended while this panel was open.
 * @param {boolean} state.isCalling
 * @param {ProviderView | null} state.provider
 * @returns {string}
 */
export function statusText({ boot, running, last, isCalling, provider }) {
  if (isCalling) return "Reconnecting to the background process…";
  if (running?.notice) return running.notice;
  if (boot.state === "starting") return boot.message || "Starting…";
  if (running) return progress(running, provider);
  if (last?.status === "completed") return "The answer is complete.";
  if (last?.status === "stopped") return "Stopped. What had arrived is kept.";
  return "";
}

/**
 * @param {Turn} turn
 * @param {ProviderView | null} provider
 * @returns {string}
 */
function progress(turn, provider) {
  const block = turn.blocks.findLast((candidate) => candidate.open);
  if (block?.kind === "reasoning") return "Thinking…";
  if (block?.kind === "tool") return `${toolTitle(block)}…`;
  if (block?.text) return "Writing…";
  return `Waiting for ${turn.model || provider?.model || "the model"}…`;
}

/**
 * @param {Block} block
 * @returns {string}
 */
export function toolTitle({ name }) {
  return BUILT_IN_TOOLS.get(name ?? "") ?? name ?? "Tool";
}

/**
 * @param {Block} block
 * @returns {string}
 */
export function toolState({ status, open }) {
  if (status && status !== "in_progress") return status.replaceAll("_", " ");
  return open ? "running" : "";
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
