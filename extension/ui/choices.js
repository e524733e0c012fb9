/**
 * What can be chosen for a profile and for a conversation alike.
 */

import { el } from "./dom.js";

/** @typedef {readonly (readonly [value: string, label: string])[]} Choices */

/** Reasoning efforts. A provider may know others. @type {Choices} */
export const EFFORTS = [
  ["none", "None"],
  ["minimal", "Minimal"],
  ["low", "Low"],
  ["medium", "Medium"],
  ["high", "High"],
  ["xhigh", "Extra high"],
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

/** Whether the model may use the sandbox's Python. @type {Choices} */
export const PYTHON = [
  ["ask", "Ask each time"],
  ["always", "Without asking"],
];

/** Whether the model may search the web. @type {Choices} */
export const WEB_SEARCH = [["always", "On"]];

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
  select.replaceChildren(...all.map(([each, label]) => el("option", { value: each }, label)));
  select.value = value;
}
