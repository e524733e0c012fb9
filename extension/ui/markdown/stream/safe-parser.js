/**
 * The parser, made safe: a text that it cannot read is shown as it is written, and the rest of the answer as Markdown.
 */

/** @import {BlockNode, parse} from "../../../shared/markdown/parse.js" */
/** @import {References} from "./references.js" */

const BLANK = /\n[ \t]*\n/g;

export class SafeParser {
  #parse;
  #references;

  /**
   * @param {typeof parse} parser
   * @param {References} references  What is known before the text.
   */
  constructor(parser, references) {
    this.#parse = parser;
    this.#references = references;
  }

  /**
   * @param {string} text
   * @param {boolean} growing
   * @returns {BlockNode[]}
   */
  parse(text, growing) {
    try {
      // What the tail defines is not certain before it is frozen.
      return this.#parse(text, { ...this.#references.known(), growing });
    } catch (error) {
      console.error(error);
      return this.#parsePieces(text, growing);
    }
  }

  /**
   * Parses what is between blank lines by itself, so that only the piece that cannot be read is shown as text.
   * @param {string} text
   * @param {boolean} growing
   * @returns {BlockNode[]}
   */
  #parsePieces(text, growing) {
    /** @type {BlockNode[]} */
    const nodes = [];
    for (let at = 0; at < text.length; ) {
      BLANK.lastIndex = at;
      const end = BLANK.test(text) ? BLANK.lastIndex : text.length;
      try {
        const known = { ...this.#references.known(), growing: growing && end === text.length };
        for (const node of this.#parse(text.slice(at, end), known)) nodes.push(moved(node, at));
      } catch {
        nodes.push(plainBlock(at, end));
      }
      at = end;
    }
    return nodes;
  }
}

/**
 * A block that could not be parsed.
 * @param {number} start
 * @param {number} end
 * @returns {BlockNode}
 */
export function plainBlock(start, end) {
  return /** @type {any} */ ({ type: "plain", start, end, children: [] });
}

/**
 * The same block in a text that is longer before it.
 * @param {BlockNode} node
 * @param {number} by
 * @returns {BlockNode}
 */
function moved(node, by) {
  return {
    ...node,
    start: node.start + by,
    end: node.end + by,
    children: node.children.map((child) => moved(child, by)),
  };
}
