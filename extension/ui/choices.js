/**
 * What can be chosen for a profile and for a conversation alike.
 */

import { el, setChildren } from "./dom.js";

/** @typedef {readonly (readonly [value: string, label: string])[]} Choices */

/** Reasoning efforts. A provider may know others. @type {Choices} */
export const EFFORTS = [
  ["none", "None"],
  ["minimal", "Minimal"],
  ["low", "Low"],
  ["medium", "Medium"],
  ["high", "High"],
  ["xhigh", "Extra high"],
  ["max", "Max"],
  ["ultra", "Ultra"],
];
/** Taken by single models only: offered where the model is known to be one of them. */
const RARE_EFFORT = "ultra";

/**
 * The efforts to choose from.
 * @param {readonly string[]} [known]  Those that the model takes, where that is known.
 * @returns {Choices}
 */
export function effortsOf(known) {
  if (known && known.length > 0) return known.map((effort) => [effort, labelOf(EFFORTS, effort)]);
  return EFFORTS.filter(([effort]) => effort !== RARE_EFFORT);
}

/** Summaries of what a model thinks before it answers. @type {Choices} */
export const SUMMARIES = [
  ["off", "Off"],
  ["auto", "Auto"],
  ["concise", "Concise"],
  ["detailed", "Detailed"],
];

/** How long the answers are. @type {Choices} */
export const VERBOSITIES = [
  ["low", "Low"],
  ["medium", "Medium"],
  ["high", "High"],
];

/** What is done when the context window is full. @type {Choices} */
export const COMPACTIONS = [
  ["summarise", "Summarise what is earlier"],
  ["trim", "Leave out the oldest"],
  ["off", "Do nothing"],
];

/** Whether a tool may act that runs here. @type {Choices} */
export const PERMISSIONS = [
  ["ask", "Ask each time"],
  ["always", "Without asking"],
];

/**
 * What the model may use, with what it does.
 * @typedef {{name: string, label: string, does: string}} ToolChoice
 */

/** The tools that run here, with the user's permission. @type {readonly ToolChoice[]} */
export const OWN_TOOLS = [
  { name: "python", label: "Python", does: "Runs code in a sandbox on this computer." },
  { name: "read_page", label: "This page", does: "Reads the page beside the panel." },
  { name: "read_selection", label: "Selection", does: "Reads what you have selected in that page." },
];

/** The provider's own, which do not ask. @type {readonly ToolChoice[]} */
export const OTHERS_TOOLS = [
  { name: "web_search", label: "Web search", does: "Searches the web and reads pages." },
  { name: "code_interpreter", label: "Code interpreter", does: "Runs Python on the provider's computers." },
  { name: "image_generation", label: "Image generation", does: "Makes images, which are charged for apart." },
  { name: "file_search", label: "File search", does: "Searches files that you have given to the provider." },
];

/**
 * What a value is called; one that is not among the choices, by itself.
 * @param {Choices} choices
 * @param {string} value
 * @returns {string}
 */
export function labelOf(choices, value) {
  return choices.find(([each]) => each === value)?.[1] ?? value;
}

/**
 * Fills a select: the default first, then the choices, and `value` where it is not among them.
 * @param {HTMLSelectElement} select
 * @param {string} byDefault  What the default is called.
 * @param {Choices} choices
 * @param {string} value  Becomes the chosen one; empty for the default.
 */
export function fillSelect(select, byDefault, choices, value) {
  const known = !value || choices.some(([each]) => each === value);
  const all = [["", byDefault], ...choices, ...(known ? [] : [[value, value]])];
  setChildren(
    select,
    all.map(([each, label]) => el("option", { value: each }, label)),
  );
  select.value = value;
}
