import { el } from "./dom.js";
import { setData, setText } from "./patch-text.js";

/**
 * The time that the browser takes to break a line of several alphabets grows with the square of the line's length, so a
 * longer line is shown in parts.
 */
const LONG_LINE = 4_000;
/** The length of a part. */
const PART = 1_000;
/** Shorter lines beside a long one share nodes of about this number of characters. */
const NODE = 20_000;
/** Neither the halves of a character nor a letter and its marks are separated. */
const REST_OF_LETTER = /^[\udc00-\udfff]?[\p{M}\u200d]{0,8}\n?/u;
const LONG = new RegExp(`[^\\n]{${LONG_LINE}}`);

/**
 * Whether a line of the text is so long that it is shown in parts.
 * @param {string} text
 */
export function hasLongLine(text) {
  return text.length >= LONG_LINE && LONG.test(text);
}

/** Plain text in an element, of which only what is new changes. */
export class GrowingText {
  #element;
  #node = document.createTextNode("");
  #text = "";
  /** Where the last node begins, once the text is shown in parts; -1 before. */
  #begin = -1;
  /** That node continues a long line. */
  #isRest = false;

  /** @param {HTMLElement} element  Holds nothing else. */
  constructor(element) {
    this.#element = element;
    element.append(this.#node);
  }

  /** @param {string} text */
  update(text) {
    if (text === this.#text) return;
    const grows = text.startsWith(this.#text);
    if (grows && this.#begin >= 0) {
      this.#element.lastChild?.remove();
      this.#addParts(text);
    } else if (hasLongLine(grows ? text.slice(this.#text.lastIndexOf("\n") + 1) : text)) {
      this.#element.replaceChildren();
      this.#begin = 0;
      this.#isRest = false;
      this.#addParts(text);
    } else {
      if (this.#begin >= 0) this.#element.replaceChildren(this.#node);
      this.#begin = -1;
      this.#updateNode(text);
    }
    this.#text = text;
  }

  /** @param {string} text */
  #updateNode(text) {
    // Who colours the text makes other nodes of it.
    const isAlone = this.#node.parentNode === this.#element && !this.#node.nextSibling && !this.#node.previousSibling;
    if (!isAlone) setText(this.#element, text);
    else if (text.startsWith(this.#text) && this.#node.length === this.#text.length)
      this.#node.appendData(text.slice(this.#text.length));
    else setData(this.#node, text);
  }

  /**
   * Adds nodes for the text from where the last one began.
   * @param {string} text
   */
  #addParts(text) {
    let at = this.#begin;
    let isRest = this.#isRest;
    while (at < text.length) {
      this.#begin = at;
      this.#isRest = isRest;
      let end = endOfLine(text, at);
      if (isRest || end - at > LONG_LINE) {
        end = Math.min(end, at + PART);
        if (end < text.length) end += REST_OF_LETTER.exec(text.slice(end, end + 10))?.[0].length ?? 0;
        isRest = text[end - 1] !== "\n";
        this.#element.append(el("span", { class: "long-line" }, text.slice(at, end)));
      } else {
        while (end < text.length && end - at < NODE) {
          const next = endOfLine(text, end);
          if (next - end > LONG_LINE) break;
          end = next;
        }
        this.#element.append(text.slice(at, end));
      }
      at = end;
    }
  }
}

/** @param {string} text @param {number} at */
function endOfLine(text, at) {
  return text.indexOf("\n", at) + 1 || text.length;
}
