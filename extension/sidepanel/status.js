/**
 * The one line that says what is going on. It changes with the state, not with every word, since screen readers read it
 * out.
 */

import { toolTitle } from "./block-view.js";

/** @import {PanelMessage, ProviderView, Turn} from "../protocol.js" */

/**
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
