/**
 * Long paragraphs, which are parsed and frozen in parts.
 */

import { patchChildren, wrapChildren } from "../patch.js";
import { contentOf, headOf, keepDirection } from "./levels.js";
import { endOfPart, PART } from "./parts.js";
import { plainBlock } from "./safe-parser.js";

/** @import {BlockNode} from "../../../shared/markdown/parse.js" */
/** @import {Level} from "./levels.js" */
/** @import {References} from "./references.js" */
/** @import {SafeParser} from "./safe-parser.js" */
/** @import {SafeView} from "./safe-view.js" */
/** @import {Tail} from "./tail.js" */

export class LongParagraphs {
  #levels;
  #tail;
  #parser;
  #views;
  #references;

  /**
   * @param {object} drawing  What the drawing of the text works with.
   * @param {Level[]} drawing.levels
   * @param {Tail} drawing.tail
   * @param {SafeParser} drawing.parser
   * @param {SafeView} drawing.views
   * @param {References} drawing.references
   */
  constructor({ levels, tail, parser, views, references }) {
    this.#levels = levels;
    this.#tail = tail;
    this.#parser = parser;
    this.#views = views;
    this.#references = references;
  }

  /**
   * Draws a long paragraph, or the rest of one, with which the tail begins. Where its parts end depends on the text
   * alone, and not on the pieces in which it arrived.
   * @param {number} depth
   * @param {BlockNode} node
   * @param {boolean} isGrowing  More text may follow.
   */
  draw(depth, node, isGrowing) {
    const level = this.#levels[depth];
    const { shift } = this.#tail;
    for (;;) {
      const cut = endOfPart(node, this.#tail);
      const part = cut < 0 ? node : this.#parsePart(depth, cut, isGrowing);
      patchChildren(level.mounted, level.from, this.#views.ofText(part));
      if (cut < 0) break;
      wrapChildren(level.mounted, level.from, PART);
      level.from += 1;
      level.isFresh = false;
      this.#references.addUses(part, this.#tail.start);
      keepDirection(this.#levels, depth, part);
      this.#tail.cut(cut);
      node = this.#parsePart(depth, this.#tail.visibleEnd, isGrowing);
    }
    this.#tail.shift = shift;
  }

  /**
   * What the tail is up to an offset in the source.
   * @param {number} depth  Of the paragraph.
   * @param {number} end
   * @param {boolean} isGrowing
   * @returns {BlockNode}
   */
  #parsePart(depth, end, isGrowing) {
    const head = headOf(this.#levels, depth + 1);
    this.#tail.shift = this.#tail.start - head.length;
    const isRest = end === this.#tail.visibleEnd;
    const text = head + this.#tail.text.slice(0, end - this.#tail.start);
    let nodes = this.#parser.parse(text, isRest && isGrowing);
    for (let at = 1; at < depth && nodes.length > 0; at++) nodes = contentOf(this.#levels[at], nodes[0]);
    return nodes[0] ?? plainBlock(0, head.length);
  }
}
