/**
 * What the rules for blocks and for inline text ask of markdown-it's state.
 */

/** @import {StateBlock, StateInline} from "../../vendor/markdown-it.js" */

/**
 * Whether this is the text at the end of a source that still grows.
 * @param {StateInline} state
 * @returns {boolean}
 */
export function isGrowing(state) {
  return Boolean(state.env.isLastInline);
}

/**
 * Whether this is the text of a block, and not that of a link in it.
 * @param {StateInline} state
 * @returns {boolean}
 */
export function isTop(state) {
  return state.posMax === state.src.length && state.linkLevel === 0;
}

/**
 * A line without its indentation and the marks of the containers around it.
 * @param {StateBlock} state
 * @param {number} line
 * @returns {string}
 */
export function lineText(state, line) {
  return state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]);
}
