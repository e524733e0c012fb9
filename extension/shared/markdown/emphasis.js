/**
 * Which asterisks open and close emphasis. CommonMark's rules expect spaces between words; markdown-it-cjk-friendly
 * relaxes them for Chinese, Japanese and Korean, and this for the other scripts without spaces and for `**Note:**text`.
 */

import { isGrowing, isTop } from "./growing.js";

/** @import {Delimiter, MarkdownIt, StateInline} from "../../vendor/markdown-it.js" */

/** Thai, Lao, Tibetan, Burmese, Khmer: no spaces between words. */
const UNSPACED = /[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff]/;
/** Closes what is before it, so emphasis that ends with it ends there. */
const CLOSING = /[:;,.!?)\]}%…»”’]/;
const LETTER = /[\p{L}\p{N}]/u;

/** @param {MarkdownIt} markdown */
export function emphasisRules(markdown) {
  const Before = /** @type {any} */ (markdown.inline.State);
  class State extends Before {
    /**
     * @param {number} start
     * @param {boolean} canSplitWord
     */
    scanDelims(start, canSplitWord) {
      const scanned = super.scanDelims(start, canSplitWord);
      const before = this.src[start - 1] ?? " ";
      const after = this.src[start + scanned.length] ?? " ";
      // A product or a power, 2*3*4.
      if (/\d/.test(before) && /\d/.test(after)) return { ...scanned, can_open: false, can_close: false };
      if (!canSplitWord || (scanned.can_open && scanned.can_close)) return scanned;
      if (/\s/.test(before) || /\s/.test(after)) return scanned;
      if (UNSPACED.test(before) || UNSPACED.test(after)) return { ...scanned, can_open: true, can_close: true };
      if (LETTER.test(after) && (CLOSING.test(before) || endsQuotation(this.src, start))) scanned.can_close = true;
      return scanned;
    }
  }
  markdown.inline.State = /** @type {any} */ (State);
}

/**
 * Whether a straight quotation mark before this place closes a quotation on its line.
 * @param {string} text
 * @param {number} at
 */
function endsQuotation(text, at) {
  if (text[at - 1] !== '"') return false;
  const before = text.slice(Math.max(0, at - 200), at);
  return (before.slice(before.lastIndexOf("\n") + 1).split('"').length - 1) % 2 === 0;
}

/**
 * Closes, at the end of a text that grows, what is open there: the asterisks that close it are expected.
 * @param {StateInline} state
 */
export function closeAtEnd(state) {
  if (!isGrowing(state)) return;
  /** Behind this delimiter nothing is enclosed by a pair. */
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
 * A single mark that is a sign of arithmetic, of a file pattern or of a footnote rather than of emphasis.
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
 * Keeps where each delimiter stands, for {@link looksLiteral}.
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
