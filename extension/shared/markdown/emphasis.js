/**
 * Which asterisks open and close emphasis. CommonMark's rules expect spaces between words; markdown-it-cjk-friendly
 * relaxes them for Chinese, Japanese and Korean, and this for the other scripts without spaces and for `**Note:**text`.
 */

/** @import {MarkdownIt} from "../../vendor/markdown-it.js" */

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
