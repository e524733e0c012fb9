/**
 * Long texts in parts. Each part has lines of its own, so that the browser need not break all of them again for each
 * word.
 */

/** @import {BlockNode} from "../../../shared/markdown/parse.js" */
/** @import {View} from "../patch.js" */
/** @import {Tail} from "./tail.js" */

/** A paragraph is parsed in parts of about this length, and no mark of one part is closed in the next. */
export const PART_LENGTH = 8_000;
export const PART = { tag: "span", attributes: { class: "md-part" } };
/** Within this number of characters from a line's beginning, a space may be indentation or a mark. */
const LINE_START = 200;

/**
 * Where the first part of a paragraph ends in the source: at a line break or a space. -1 for one that is no longer than
 * a part.
 * @param {BlockNode} node
 * @param {Tail} tail
 * @returns {number}
 */
export function endOfPart(node, { text, start: tailStart, shift }) {
  const offset = shift - tailStart;
  const start = Math.max(node.start + offset, 0);
  const end = node.end + offset - 1;
  const lineStart = text.lastIndexOf("\n", start + PART_LENGTH) + 1;
  for (let at = start + PART_LENGTH; at < end; at++) {
    const character = text[at];
    const isHard = at - start >= 2 * PART_LENGTH && !/[\uDC00-\uDFFF]/.test(character);
    if (character === "\n" || isHard || (character === " " && at - lineStart >= LINE_START)) return tailStart + at;
  }
  return -1;
}

/**
 * The view with each long text in parts, at spaces where there are any.
 * @param {View} view
 * @returns {View}
 */
export function inParts(view) {
  if (typeof view === "string" || view.own || !view.children) return view;
  /** @type {(child: View) => View[]} */
  const divided = (child) => {
    if (typeof child !== "string" || child.length <= PART_LENGTH) return [inParts(child)];
    /** @type {View[]} */
    const parts = [];
    for (let at = 0; at < child.length; ) {
      const hard = at + PART_LENGTH + (/[\uDC00-\uDFFF]/.test(child[at + PART_LENGTH] ?? "") ? 1 : 0);
      const space = child.lastIndexOf(" ", hard - 1) + 1;
      const end = hard < child.length && space > at ? space : hard;
      parts.push({ ...PART, children: [child.slice(at, end)] });
      at = end;
    }
    return parts;
  };
  return { ...view, children: view.children.flatMap(divided) };
}
