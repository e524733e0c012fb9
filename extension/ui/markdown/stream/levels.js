/**
 * The containers that are open at the end of the text and whose finished parts are frozen, from the root inwards.
 *
 * The tail begins inside of them, so it is parsed with a *head* before it: a few lines that open the same containers
 * again (`- # x` for an item, the header of a table, the fence of code).
 */

import { patchShell } from "../patch.js";
import { direction } from "../view.js";

/** @import {BlockNode} from "../../../shared/markdown/parse.js" */
/** @import {ElementView, Mounted} from "../patch.js" */

/**
 * @typedef {object} Level
 * @property {"root" | "list" | "item" | "blockquote" | "details" | "table" | "code" | "paragraph"} type
 * @property {Mounted} shell  The container itself.
 * @property {Mounted} mounted  The element that holds its parts: the container, something in it, or the last group of
 *   parts.
 * @property {number} from  How many parts in that element are frozen.
 * @property {number} start  Where the container begins in the source.
 * @property {string} [marker]  Of an item, with the space after it.
 * @property {string[]} [lines]  The lines that begin a table or code, without the marks of the containers around it.
 * @property {boolean} [isFresh]  No part of a paragraph is frozen yet.
 * @property {boolean} [isLoose]  A list was loose when its frozen items were drawn.
 * @property {"ltr" | "rtl"} [dir]  The direction of its frozen parts.
 * @property {string[]} [parts]  Frozen code.
 * @property {number} [frozen]  The length of the frozen code.
 * @property {string} [drawn]  The code that is drawn after the frozen code.
 */

/**
 * Takes the place of what a head leaves out. It is a private-use character, because no rule of Markdown is about these.
 */
export const STUB = "\uE000";

/**
 * The lines that open the containers again.
 * @param {Level[]} levels
 * @param {number} depth  How many of the levels, with the root.
 * @returns {string}
 */
export function headOf(levels, depth) {
  let head = "";
  let prefix = "";
  for (const { type, marker = "", lines = [], isFresh } of levels.slice(0, depth)) {
    if (type === "details") {
      head += `${prefix}<details>\n`;
    } else if (type === "item") {
      head += `${prefix}${marker}# ${STUB}\n`;
      prefix += " ".repeat(marker.length);
    } else if (type === "blockquote") {
      prefix += "> ";
    } else if (type === "paragraph") {
      if (!isFresh) head += prefix + STUB;
    } else {
      for (const line of lines) head += `${prefix}${line}\n`;
    }
  }
  // Without a heading before it, the next paragraph could be the title of an alert.
  if (depth > 1 && levels[depth - 1].type === "blockquote") head += `${prefix}# ${STUB}\n`;
  return head;
}

/**
 * Takes the marks of the containers around it off a line.
 * @param {string} line
 * @param {Level[]} levels
 * @param {number} depth  How many of the levels.
 * @returns {string | null}  Null for a line that is indented otherwise.
 */
export function withoutContainerMarks(line, levels, depth) {
  for (const { type, marker = "" } of levels.slice(1, depth)) {
    if (type === "blockquote") {
      const quote = /^ {0,3}> ?/.exec(line);
      if (!quote) return null;
      line = line.slice(quote[0].length);
    } else if (type === "item") {
      if (line.slice(0, marker.length).trim()) return null;
      line = line.slice(marker.length);
    }
  }
  return line.startsWith("\t") ? null : line;
}

/**
 * Whether a block that was parsed is the rest of the open container.
 * @param {Level} level
 * @param {BlockNode} node
 * @returns {boolean}
 */
export function continues({ type }, node) {
  return node.type === type || (type === "paragraph" && node.type === "heading");
}

/**
 * The parts of a container in what was parsed, without the one that its head has put in.
 * @param {Level} level
 * @param {BlockNode} node
 * @returns {BlockNode[]}
 */
export function contentOf({ type }, { children }) {
  if (type === "blockquote") return isStub(children[0]) ? children.slice(1) : children;
  return type === "table" || type === "item" ? children.slice(1) : children;
}

/** @param {BlockNode} [node] */
function isStub(node) {
  const [text] = (node?.type === "heading" && node.inline) || [];
  return text?.type === "text" && text.text === STUB;
}

/**
 * Keeps the direction of a part that is frozen, for the containers around it.
 * @param {Level[]} levels
 * @param {number} depth  Of the part's container.
 * @param {BlockNode} node
 */
export function keepDirection(levels, depth, node) {
  for (const level of levels.slice(1, depth + 1)) level.dir ??= direction(node);
}

/**
 * Gives a container the direction of its first letter, which may arrive long after the container.
 * @param {Level} level
 * @param {BlockNode} node
 */
export function setDirection({ shell, ...level }, node) {
  const dir = level.dir ?? direction(node);
  const { attributes, ...last } = /** @type {ElementView} */ (shell.view);
  if (dir !== attributes?.dir) patchShell(shell, { ...last, attributes: { ...attributes, dir } });
}
