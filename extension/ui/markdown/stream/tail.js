/**
 * The end of the text, which is still parsed at each drawing. What comes before it is frozen.
 */

/** @import {BlockNode} from "../../../shared/markdown/parse.js" */

export class Tail {
  text = "";
  /** Where it begins in the source. */
  start = 0;
  /** Where, in the source, the part of it ends that is drawn. */
  visibleEnd = 0;
  /**
   * The difference between an offset in the source and one in what was parsed, which also has a head before the tail.
   */
  shift = 0;

  /** The last line, which has no line break yet. */
  get lastLine() {
    return this.text.slice(this.text.lastIndexOf("\n") + 1);
  }

  /**
   * Lets the tail begin later: what was before this place is frozen.
   * @param {number} start  In the source.
   */
  cut(start) {
    if (start <= this.start) return;
    this.text = this.text.slice(start - this.start);
    this.start = start;
  }

  /**
   * Empties the tail, and lets it begin anywhere, also earlier.
   * @param {number} start  In the source.
   */
  reset(start) {
    this.text = "";
    this.start = start;
  }

  /**
   * The source of a block that was parsed.
   * @param {{start: number, end: number}} node
   * @returns {string}
   */
  textOf({ start, end }) {
    const offset = this.shift - this.start;
    return this.text.slice(Math.max(start + offset, 0), end + offset);
  }

  /**
   * The last of the blocks that is certain to be one, because it has a whole line; -1 without any.
   * @param {BlockNode[]} nodes
   * @returns {number}
   */
  lastCertain(nodes) {
    return nodes.findLastIndex((node, index) => {
      const { type, start, isClosed } = /** @type {BlockNode} */ (node);
      let line = this.text.indexOf("\n", start + this.shift - this.start);
      // One line with bars is a table only as long as its second line may come.
      if (type === "table" && line >= 0) line = this.text.indexOf("\n", line + 1);
      if (line < 0 || (isClosed === false && type !== "code")) return false;
      // The title of a definition may be on the next lines.
      const before = nodes[index - 1];
      return !(type === "paragraph" && before?.type === "definition" && before.end === start);
    });
  }
}
