/**
 * Emphasis that is still open where the text ends is drawn as emphasis.
 */

import { isGrowing, isTop } from "../state.js";

/** @import {Delimiter, StateInline} from "../../../vendor/markdown-it.js" */

/**
 * Closes the emphasis that is open at the end of the text, because the marks that close it are expected.
 * @param {StateInline} state
 */
export function closeAtEnd(state) {
  if (!isGrowing(state)) return;
  /** The last delimiter that belongs to a pair: what is before it cannot be open. */
  let end = -1;
  const open = [];
  for (const [index, delimiter] of state.delimiters.entries()) {
    if (delimiter.end >= 0) end = Math.max(end, delimiter.end);
    else if (index > end && delimiter.open && !looksLiteral(state, delimiter)) open.push(delimiter);
  }
  for (const delimiter of open.reverse()) {
    const token = state.push("text", "", 0);
    token.content = "";
    delimiter.end = state.delimiters.length;
    state.delimiters.push({
      marker: delimiter.marker,
      length: 0,
      token: state.tokens.length - 1,
      end: -1,
      open: false,
      close: true,
    });
  }
}

/**
 * Whether a single mark is a sign of arithmetic, of a file pattern or of a footnote rather than of emphasis.
 * @param {StateInline} state
 * @param {Delimiter & {at?: number}} delimiter
 */
function looksLiteral(state, delimiter) {
  if (delimiter.length !== 1 || delimiter.at === undefined) return false;
  const before = state.src[delimiter.at - 1] ?? " ";
  const after = state.src[delimiter.at + 1] ?? " ";
  return /[.,;:)\]}/%=+|&!?-]/.test(after) || (/[\w)\]]/.test(before) && /[\w([]/.test(after));
}

/**
 * markdown-it's rule for emphasis, which also notes where each delimiter is, for {@link looksLiteral}.
 * @param {(state: StateInline, silent: boolean) => boolean} rule
 * @returns {(state: StateInline, silent: boolean) => boolean}
 */
export function withPositions(rule) {
  return (state, silent) => {
    const { pos } = state;
    const from = state.delimiters.length;
    const matched = rule(state, silent);
    if (matched && !silent && isTop(state)) {
      for (let at = from; at < state.delimiters.length; at++)
        Object.assign(state.delimiters[at], { at: pos + at - from });
    }
    return matched;
  };
}
