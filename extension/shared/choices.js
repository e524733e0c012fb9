/** What can be chosen for settings: each value with the key of its label, in the order in which they are offered. */

import { text } from "./text.js";

/** @import { MessageKey } from "./text.js" */

/** @typedef {Readonly<Record<string, MessageKey>>} Choices */

/** Reasoning efforts. A provider may have others. */
export const EFFORTS = /** @type {const} @satisfies {Choices} */ ({
  none: "choice_effort_none",
  minimal: "choice_effort_minimal",
  low: "choice_effort_low",
  medium: "choice_effort_medium",
  high: "choice_effort_high",
  xhigh: "choice_effort_xhigh",
  max: "choice_effort_max",
  ultra: "choice_effort_ultra",
});

/** Summaries of the model's reasoning. */
export const SUMMARIES = /** @type {const} @satisfies {Choices} */ ({
  off: "choice_summary_off",
  auto: "choice_summary_auto",
  concise: "choice_summary_concise",
  detailed: "choice_summary_detailed",
});

/** How long the answers are. */
export const VERBOSITIES = /** @type {const} @satisfies {Choices} */ ({
  low: "choice_verbosity_low",
  medium: "choice_verbosity_medium",
  high: "choice_verbosity_high",
});

/** What happens when the context window is full. */
export const COMPACTIONS = /** @type {const} @satisfies {Choices} */ ({
  summarise: "choice_compaction_summarise",
  trim: "choice_compaction_trim",
  off: "choice_compaction_off",
});

/** Whether the model may use a tool that runs on this computer. */
export const PERMISSIONS = /** @type {const} @satisfies {Choices} */ ({
  ask: "choice_permission_ask",
  always: "choice_permission_always",
});

/**
 * @template {Choices} C
 * @param {C} choices
 * @returns {(keyof C & string)[]}
 */
export function valuesOf(choices) {
  return Object.keys(choices);
}

/**
 * The label of a value. One that is not among the choices is its own label.
 * @param {Choices} choices
 * @param {string} value
 * @returns {string}
 */
export function labelOf(choices, value) {
  return Object.hasOwn(choices, value) ? text(choices[value]) : value;
}
