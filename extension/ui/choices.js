/** Menus of what can be chosen for a profile and for a conversation alike. */

import { EFFORTS, labelOf, valuesOf } from "../shared/choices.js";
import { text } from "../shared/text.js";
import { el, setChildren } from "./dom.js";

/** @import { Choices } from "../shared/choices.js" */

/** @typedef {readonly (readonly [value: string, label: string])[]} Options */

/** Only some models take it, so it is offered only where the model is known to be one of them. */
const RARE_EFFORT = "ultra";

/** @param {Choices} choices @returns {Options} */
export function optionsOf(choices) {
  return valuesOf(choices).map((value) => [value, labelOf(choices, value)]);
}

/**
 * The reasoning efforts to choose from.
 * @param {readonly string[]} [known]  The efforts that the model takes, where they are known.
 * @returns {Options}
 */
export function effortsOf(known) {
  if (known && known.length > 0) return known.map((effort) => [effort, labelOf(EFFORTS, effort)]);
  return optionsOf(EFFORTS).filter(([effort]) => effort !== RARE_EFFORT);
}

/**
 * What the model may use, with what it does.
 * @typedef {{name: string, label: string, does: string}} ToolChoice
 */

/** The tools that run on this computer, with the user's permission. @type {readonly ToolChoice[]} */
export const OWN_TOOLS = [
  { name: "python", label: text("tool_python"), does: text("tool_python_does") },
  { name: "read_page", label: text("tool_read_page"), does: text("tool_read_page_does") },
  { name: "read_selection", label: text("tool_read_selection"), does: text("tool_read_selection_does") },
];

/** The provider's own tools, which run without an approval. @type {readonly ToolChoice[]} */
export const OTHERS_TOOLS = [
  { name: "web_search", label: text("tool_web_search"), does: text("tool_web_search_does") },
  { name: "code_interpreter", label: text("tool_code_interpreter"), does: text("tool_code_interpreter_does") },
  { name: "image_generation", label: text("tool_image_generation"), does: text("tool_image_generation_does") },
  { name: "file_search", label: text("tool_file_search"), does: text("tool_file_search_does") },
];

/**
 * Fills a select: the default first, then the options, and `value` where it is not among them.
 * @param {HTMLSelectElement} select
 * @param {string} byDefault  The label of the default.
 * @param {Options} options
 * @param {string} value  The value to select; empty for the default.
 */
export function fillSelect(select, byDefault, options, value) {
  const known = !value || options.some(([each]) => each === value);
  const all = [["", byDefault], ...options, ...(known ? [] : [[value, value]])];
  setChildren(
    select,
    all.map(([each, label]) => el("option", { value: each }, label)),
  );
  select.value = value;
}
