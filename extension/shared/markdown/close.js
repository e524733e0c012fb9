/**
 * Closes what is open in Markdown, so that what is written after it (the next turn, in an exported file) is not
 * swallowed. Nothing is imported that needs a page, because the worker writes the files.
 */

import { FenceReader, readFence } from "./fences.js";

/** Quotation marks, indentation and at most one list marker before a line's own text. */
const PREFIX = /^((?:[ \t]*>)*)([ \t]*)((?:[-*+]|\d{1,9}[.)])[ \t]+)?/;
/** Elements whose unclosed tag takes in what follows, here or in another reader. */
const TAGS = /<(\/?)(details|summary|div|table|pre|script|style|textarea)(?=[\s>])[^<>]*>/gi;

/** A longer line is not looked through for code. */
const LONG_LINE = 10_000;

/** The elements that are open at a place in a text. */
export class OpenTags {
  /** @type {string[]} */
  #names = [];
  /** How many there are of each: most end tags in hostile text close nothing. @type {Map<string, number>} */
  #counts = new Map();

  /** @param {string} name */
  open(name) {
    const lower = name.toLowerCase();
    this.#names.push(lower);
    this.#counts.set(lower, (this.#counts.get(lower) ?? 0) + 1);
  }

  /** Closes the last element of that name, with what is open in it. @param {string} name */
  close(name) {
    const lower = name.toLowerCase();
    if (!this.#counts.get(lower)) return;
    for (let last; last !== lower; ) {
      last = /** @type {string} */ (this.#names.pop());
      this.#counts.set(last, (this.#counts.get(last) ?? 0) - 1);
    }
  }

  /** The end tags of all that is open; "" for nothing. */
  get closing() {
    return this.#names
      .toReversed()
      .map((name) => `</${name}>`)
      .join("");
  }
}

/**
 * The text with code fences, display math, comments and HTML blocks closed at its end. An outer fence that is no
 * longer than fences inside its Markdown is made longer, because other readers would end it at the first of those.
 * @param {string} markdown
 * @returns {string}
 */
export function closeOpen(markdown) {
  const lines = markdown.replace(/\r\n?/g, "\n").split("\n");
  /** @type {{reader: FenceReader, prefix: string, marker: string, index: number, indent: number} | null} */
  let fence = null;
  let math = "";
  let isComment = false;
  const tags = new OpenTags();
  /** How far the text of the open list item is indented. */
  let itemIndent = 0;

  for (const [index, line] of lines.entries()) {
    const [whole, quotes, spaces, marker = ""] = /** @type {RegExpExecArray} */ (PREFIX.exec(line));
    const text = line.slice(whole.length);
    // Inside a fence, a list marker is part of the code.
    const code = line.slice(quotes.length + spaces.length);
    if (fence) {
      const hasLeft = fence.prefix.includes(">") !== quotes.includes(">") || (code && spaces.length < fence.indent);
      if (!hasLeft) {
        if (fence.reader.closes(code)) {
          const longer = lengthened(fence.marker, fence.reader.longest);
          lines[fence.index] = lines[fence.index].replace(fence.marker, longer);
          if (longer !== fence.marker) lines[index] = quotes + spaces + longer;
          fence = null;
        }
        continue;
      }
      fence = null;
    }
    if (math) {
      if (text.trimEnd().endsWith(math) || text.startsWith(math)) math = "";
      continue;
    }
    if (isComment) {
      isComment = !line.includes("-->");
      continue;
    }
    if (text) {
      if (marker) itemIndent = spaces.length + marker.length;
      else if (spaces.length < itemIndent) itemIndent = 0;
    }
    const opened = readFence(text);
    if (opened) {
      const indent = marker || spaces.length >= itemIndent ? itemIndent : 0;
      const prefix = quotes + spaces + " ".repeat(marker.length);
      fence = { reader: new FenceReader(opened), prefix, marker: opened.marker, index, indent };
      continue;
    }
    if (/^\$\$(?!.*\$\$)/.test(text)) math = "$$";
    else if (/^\\\[(?!.*\\\])/.test(text)) math = "\\]";
    else {
      // In a very long line this search would take quadratic time: each backtick looks for its partner.
      const prose = text.length > LONG_LINE ? text : text.replace(/(`+)(?!`).*?[^`]\1(?!`)/g, "");
      isComment = prose.lastIndexOf("<!--") > prose.lastIndexOf("-->");
      for (const [, isEnd, name] of prose.matchAll(TAGS)) {
        if (isEnd) tags.close(name);
        else tags.open(name);
      }
    }
  }

  const end = [];
  if (fence) {
    const longer = lengthened(fence.marker, fence.reader.longest);
    lines[fence.index] = lines[fence.index].replace(fence.marker, longer);
    end.push(fence.prefix + longer);
  }
  if (math) end.push(math);
  if (isComment) end.push("-->");
  if (tags.closing) end.push("", tags.closing);
  if (end.length > 0 && lines.at(-1) === "") lines.pop();
  return [...lines, ...end].join("\n");
}

/**
 * @param {string} marker
 * @param {number} inside  The longest fence inside the block.
 * @returns {string}
 */
function lengthened(marker, inside) {
  return inside < marker.length ? marker : marker[0].repeat(inside + 1);
}
