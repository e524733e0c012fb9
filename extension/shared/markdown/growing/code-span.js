/**
 * Code that is still open where the text ends is drawn as code.
 */

import { isGrowing, isTop } from "../state.js";

/** @import {StateInline} from "../../../vendor/markdown-it.js" */

/**
 * markdown-it's rule for code, which also takes a mark without its end, when the text ends on the same line.
 * @param {(state: StateInline, silent: boolean) => boolean} rule
 * @returns {(state: StateInline, silent: boolean) => boolean}
 */
export function withOpenCode(rule) {
  return (state, silent) => {
    const { pos, pending } = state;
    const count = state.tokens.length;
    const matched = rule(state, silent);
    if (!matched || silent || !isGrowing(state) || !isTop(state) || state.tokens.length !== count) return matched;
    const text = state.src.slice(state.pos);
    if (text.includes("\n")) return matched;
    const marker = state.src.slice(pos, state.pos);
    state.pending = pending;
    const token = state.push("code_inline", "code", 0);
    token.markup = marker;
    token.content = text.replace(/^ /, "");
    state.pos = state.posMax;
    return true;
  };
}
