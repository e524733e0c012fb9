/**
 * Where TeX is in Markdown: `\(…\)`, `\[…\]`, `$…$`, `$$…$$`, a block of the language math, and an environment that
 * begins a line. What is between is no Markdown. A single dollar follows Pandoc's rules, so that prices stay prices.
 */

import { isGrowing, isTop, lineText } from "./state.js";

/** @import {MarkdownIt, StateBlock, StateInline} from "../../vendor/markdown-it.js" */

/** Environments that are set as formulas of their own. */
const ENVIRONMENT =
  /^\\begin\{((?:align|aligned|alignat|equation|gather|gathered|multline|split|eqnarray|cases|array|CD|[pbBvV]?matrix|smallmatrix)\*?)\}/;

/** @param {MarkdownIt} markdown */
export function mathRules(markdown) {
  const alt = ["paragraph", "reference", "blockquote", "list"];
  markdown.block.ruler.before("blockquote", "math_block", mathBlock, { alt });
  markdown.block.ruler.at("paragraph", paragraph);
  markdown.inline.ruler.before("escape", "math", mathInline);
}

/**
 * markdown-it's rule for paragraphs, except that a formula which begins at the end of a line keeps its lines: none of
 * them is a list item.
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 */
function paragraph(state, startLine, endLine) {
  const ends = state.md.block.ruler.getRules("paragraph");
  const { parentType } = state;
  state.parentType = "paragraph";
  let nextLine = afterFormula(state, startLine, endLine);
  while (nextLine < endLine && !state.isEmpty(nextLine)) {
    const line = nextLine;
    const isLazy = state.sCount[line] - state.blkIndent > 3 || state.sCount[line] < 0;
    if (!isLazy && ends.some((rule) => rule(state, line, endLine, true))) break;
    nextLine = afterFormula(state, line, endLine);
  }
  const open = state.push("paragraph_open", "p", 1);
  open.map = [startLine, nextLine];
  const inline = state.push("inline", "", 0);
  inline.content = state.getLines(startLine, nextLine, state.blkIndent, false).trim();
  inline.map = open.map;
  inline.children = [];
  state.push("paragraph_close", "p", -1);
  state.line = nextLine;
  state.parentType = parentType;
  return true;
}

/** A formula that begins at the end of a line has at most this number of lines. */
const MOST_LINES = 100;

/**
 * The line after this one, or after the formula that begins at its end.
 * @param {StateBlock} state
 * @param {number} line
 * @param {number} endLine
 */
function afterFormula(state, line, endLine) {
  const found = /(\\\[|\$\$)[ \t]*$/.exec(lineText(state, line));
  if (!found) return line + 1;
  const text = lineText(state, line).slice(0, found.index);
  const isInside = ["`", "$$"].some((mark) => text.split(mark).length % 2 === 0);
  if (isInside) return line + 1;
  const close = found[1] === "$$" ? "$$" : "\\]";
  const limit = Math.min(endLine, line + MOST_LINES);
  for (let last = line + 1; last < limit; last++) {
    if (state.isEmpty(last) || state.sCount[last] < state.blkIndent) return line + 1;
    if (lineText(state, last).trimEnd().endsWith(close)) return last + 1;
  }
  return state.env.growing && limit === endLine ? endLine : line + 1;
}

/**
 * Pushes a formula, or the source of one that is not finished.
 * @param {StateInline | StateBlock} state
 * @param {{source: string, tex: string, isDisplay: boolean, isClosed: boolean}} math
 */
function pushMath(state, math) {
  const token = state.push("math", "math", 0);
  token.content = math.source;
  token.meta = { ...math };
  return token;
}

/**
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 * @param {boolean} silent
 */
function mathBlock(state, startLine, endLine, silent) {
  if (state.sCount[startLine] - state.blkIndent >= 4) return false;
  const begin = state.bMarks[startLine] + state.tShift[startLine];
  const first = state.src.slice(begin, state.eMarks[startLine]).trimEnd();
  const delimiters = readOpening(first);
  if (!delimiters) return false;
  const { open, close } = delimiters;
  const isAlone = first === open;
  // Words after the end: a formula within a line of text.
  const closed = first.indexOf(close, open.length);
  if (closed >= 0 && closed + close.length < first.length && !/^[.,;:。，]$/.test(first.slice(closed + close.length))) {
    return false;
  }
  // Two dollars and no formula: prose.
  if (open === "$$" && closed < 0 && !isAlone && !looksLikeTex(first.slice(2))) return false;
  if (silent) return true;

  let nextLine = startLine;
  let isClosed = closed >= 0;
  while (!isClosed && ++nextLine < endLine) {
    if (state.isEmpty(nextLine)) {
      // A blank line ends a formula that was never closed, unless TeX continues after it.
      const next = state.skipEmptyLines(nextLine);
      if (next >= endLine || !looksLikeTex(lineText(state, next))) break;
      nextLine = next;
    }
    if (state.sCount[nextLine] < state.blkIndent) break;
    const text = lineText(state, nextLine).trimEnd();
    isClosed = text.endsWith(close) || text.startsWith(close);
  }
  if (isClosed) nextLine += 1;
  state.line = Math.min(nextLine, endLine);
  const source = state.getLines(startLine, state.line, state.blkIndent, false).trim();
  const end = isClosed ? source.lastIndexOf(close) : source.length;
  const isEnvironment = open.startsWith("\\begin");
  const inside = isEnvironment ? source.slice(0, end + close.length) : source.slice(open.length, end);
  const token = pushMath(state, { source, tex: inside.trim(), isDisplay: true, isClosed });
  token.map = [startLine, state.line];
  token.block = true;
  return true;
}

/** @param {string} line */
function readOpening(line) {
  if (line.startsWith("$$")) return { open: "$$", close: "$$" };
  if (line.startsWith("\\[")) return { open: "\\[", close: "\\]" };
  const name = ENVIRONMENT.exec(line)?.[1];
  return name === undefined ? null : { open: `\\begin{${name}}`, close: `\\end{${name}}` };
}

/** @param {string} text */
function looksLikeTex(text) {
  return /\\[a-zA-Z\\,;!{}]|[_^=]|\$\$\s*$|^\s*\\\]/.test(text);
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 */
function mathInline(state, silent) {
  const { src, pos } = state;
  const two = src.slice(pos, pos + 2);
  if (two === "\\(" || two === "\\[") return bracketMath(state, silent, two);
  if (src[pos] !== "$") return false;
  return two === "$$" ? doubleDollars(state, silent) : singleDollar(state, silent);
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 * @param {string} open
 */
function bracketMath(state, silent, open) {
  const close = open === "\\(" ? "\\)" : "\\]";
  const end = findNext(state, close, state.pos + 2);
  if (end >= 0) return push(state, silent, end, 2, open === "\\[");
  return leaveOpen(state, silent, 2);
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 */
function doubleDollars(state, silent) {
  const end = findNext(state, "$$", state.pos + 2);
  if (end > state.pos + 2 && state.src.slice(state.pos + 2, end).trim()) return push(state, silent, end, 2, true);
  return end < 0 && leaveOpen(state, silent, 2);
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 */
function singleDollar(state, silent) {
  const { src, pos } = state;
  const next = src[pos + 1] ?? " ";
  const before = src[pos - 1] ?? " ";
  // `US$5`, `A$`, a word of a shell.
  if (/[\s$]/.test(next) || /[A-Za-z0-9\\$]/.test(before)) return false;
  const end = closingDollar(state, pos + 1);
  if (end < 0 || end >= state.posMax) {
    const rest = src.slice(pos + 1);
    // A price, or a variable of a shell, has no closing one.
    return (
      !/^\d[\d.,]*(?:[\s,.;:!?)]|$)|^[A-Z_]{2,}|^\{/.test(rest) && /[\\_^{]/.test(rest) && leaveOpen(state, silent, 1)
    );
  }
  const inside = src.slice(pos + 1, end);
  if (!isFormula(inside, src[end + 1] ?? " ")) return false;
  return push(state, silent, end, 1, false);
}

/**
 * Whether what two dollars enclose is a formula: `$5 and $10`, `$HOME/$USER` and `($A or $B)` are none.
 * @param {string} inside
 * @param {string} after
 */
function isFormula(inside, after) {
  // `$n$th` is one, `$A/$B` and `$5$6` are none.
  if (inside.includes("$") && !inside.includes("\\$")) return false;
  if (/\d/.test(after) || (/[A-Za-z]/.test(after) && /[^A-Za-z0-9)}\]]$/.test(inside)) || /\n[ \t]*\n/.test(inside))
    return false;
  if (/\\[a-zA-Z]|[_^{}]/.test(inside))
    return !/^[A-Z_]{3,}\b/.test(inside) && !/^\d[\d.,]*\s+(?:and|or|to|per)\s/.test(inside);
  if (/`|[,;:/(-]$/.test(inside)) return false;
  if (/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}，。]/u.test(inside)) return false;
  // Without TeX: words in a row are prose, and an amount followed by text is a price.
  if (!/\s/.test(inside)) return !/\p{L}{4,}[-/]/u.test(inside);
  return !/^\d[\d.,]*\s*(?:[kKmMbB]\b|million|billion)?(?:\s*[-–/]|\s+\p{L}{2,}|\s*[,;(])|\p{L}{2,}\s+\p{L}{2,}/u.test(
    inside,
  );
}

/**
 * The next dollar that can close: no space before it, no digit after it, no backslash before it.
 * @param {StateInline} state
 * @param {number} from
 */
function closingDollar(state, from) {
  const { cache, src } = state;
  // Found from the end to the start, once for the whole text.
  cache.dollars ??= findDollars(src);
  let low = 0;
  let high = cache.dollars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cache.dollars[middle] < from + 1) low = middle + 1;
    else high = middle;
  }
  return cache.dollars[low] ?? -1;
}

/** @param {string} src */
function findDollars(src) {
  const found = [];
  for (let at = src.indexOf("$"); at >= 0; at = src.indexOf("$", at + 1)) {
    if (src[at + 1] === "$" || src[at - 1] === "$") continue;
    if (/[\s\\]/.test(src[at - 1] ?? " ") || /\d/.test(src[at + 1] ?? " ")) continue;
    found.push(at);
  }
  return found;
}

/**
 * @param {StateInline} state
 * @param {string} close
 * @param {number} from
 */
function findNext(state, close, from) {
  const key = `last ${close}`;
  state.cache[key] ??= state.src.lastIndexOf(close);
  if (state.cache[key] < from) return -1;
  const end = state.src.indexOf(close, from);
  return end + close.length <= state.posMax ? end : -1;
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 * @param {number} end  Where the closing delimiter begins.
 * @param {number} length  Of a delimiter.
 * @param {boolean} isDisplay
 */
function push(state, silent, end, length, isDisplay) {
  const source = state.src.slice(state.pos, end + length);
  if (!silent) {
    const tex = source.slice(length, -length).trim();
    pushMath(state, { source, tex, isDisplay, isClosed: true });
  }
  state.pos = end + length;
  return true;
}

/**
 * Leaves the source of a formula that is not closed untouched. In a text that is finished only if it looks like one:
 * `\(` is also Markdown for a plain bracket.
 * @param {StateInline} state
 * @param {boolean} silent
 * @param {number} length
 */
function leaveOpen(state, silent, length) {
  const rest = state.src.slice(state.pos + length, state.posMax);
  if (!isTop(state) || !(isGrowing(state) || /\\[a-zA-Z]|[_^]\{/.test(rest.slice(0, 500)))) return false;
  if (!silent) {
    const source = state.src.slice(state.pos, state.posMax);
    pushMath(state, { source, tex: rest, isDisplay: false, isClosed: false });
  }
  state.pos = state.posMax;
  return true;
}
