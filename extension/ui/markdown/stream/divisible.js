/**
 * Which open blocks can be frozen in parts.
 */

import { withoutContainerMarks } from "./levels.js";
import { endOfPart } from "./parts.js";

/** @import {BlockNode} from "../../../shared/markdown/parse.js" */
/** @import {Mounted} from "../patch.js" */
/** @import {Level} from "./levels.js" */
/** @import {Tail} from "./tail.js" */

/**
 * The level of an open block; null for one that cannot be divided, or is too short for it.
 * @param {BlockNode} node  The block at which the tail begins.
 * @param {Mounted} mounted
 * @param {object} place
 * @param {Tail} place.tail
 * @param {Level[]} place.levels
 * @param {number} place.depth  Of its container.
 * @param {number} place.longBlock  Items and quotations with more characters are divided.
 * @returns {Level | null}
 */
export function levelOf(node, mounted, { tail, levels, depth, longBlock }) {
  const { type, children } = node;
  const isLong = tail.text.length > longBlock;
  const lines = tail.text.split("\n", 2).map((line) => withoutContainerMarks(line, levels, depth + 1));
  const level = { shell: mounted, mounted, from: 0, start: tail.start };
  const lastCertain = tail.lastCertain(children);
  const isDivisible = lastCertain > (type === "table" ? 1 : 0);
  switch (type) {
    case "list":
      return isDivisible || isLong ? { ...level, type, isLoose: Boolean(node.isLoose) } : null;
    case "table": {
      const body = isDivisible && findTag(mounted, "tbody");
      if (!body || !areKnown(lines)) return null;
      return { ...level, type, mounted: body, lines };
    }
    case "code": {
      const code = findTag(mounted, "code");
      const { text = "" } = node;
      // With bars it could be the header of a table.
      const opening = lines.slice(0, 1).map((line) => (line === null ? null : line.replaceAll("|", "")));
      if (!node.fence || node.isClosed || !text.includes("\n") || !code || !areKnown(opening)) return null;
      return { ...level, type, mounted: code, lines: opening, parts: [], frozen: 0, drawn: text };
    }
    case "item": {
      const marker = /^ {0,3}(?:[-+*]|\d{1,9}[.)]) {1,4}(?=\S)/.exec(lines[0] ?? "")?.[0];
      if (!marker || !isLong || !isDivisible || node.isTask) return null;
      return { ...level, type, marker };
    }
    case "details": {
      // What is on the same line as the tag cannot be separated from it.
      const first = children[lastCertain];
      if (!isLong || !first || first.start === node.start || lines[0] === null) return null;
      return { ...level, type };
    }
    case "blockquote": {
      // The quotation in it may be divisible, or its text.
      const isEnough = lastCertain >= (children.length === 1 ? 0 : 1);
      return isLong && isEnough && mounted.children.length === children.length ? { ...level, type } : null;
    }
    case "paragraph":
      return endOfPart(node, tail) < 0 || lines[0] === null ? null : { ...level, type, isFresh: true };
    default:
      return null;
  }
}

/**
 * @param {(string | null)[]} lines
 * @returns {lines is string[]}
 */
function areKnown(lines) {
  return lines.every((line) => line !== null);
}

/**
 * The first element with this tag.
 * @param {Mounted} mounted
 * @param {string} tag
 * @returns {Mounted | null}
 */
function findTag(mounted, tag) {
  if (typeof mounted.view === "string") return null;
  if (mounted.view.tag === tag) return mounted;
  for (const child of mounted.children) {
    const found = findTag(child, tag);
    if (found) return found;
  }
  return null;
}
