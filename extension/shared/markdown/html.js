/**
 * HTML in Markdown. Of the tags that models write, those that only shape text become elements, always without
 * attributes; all others are text, whole: `List<String>`, `<think>`, `<script>`.
 */

import { lineText } from "./state.js";

/** @import {MarkdownIt, StateBlock, StateInline} from "../../vendor/markdown-it.js" */

/** Shown as elements: what GitHub allows and what Markdown has no sign for, plus the tags for what it has signs for. */
export const TAG_NAMES =
  "sub sup kbd br details summary b strong i em u s del ins mark small".split(" "); // biome-ignore format: one line

const TAG = /<(\/?)([a-zA-Z][a-zA-Z0-9-]*)(?:\s[^<>]*)?\/?>/y;

/** Blocks of a web page, up to a blank line: shown as they are written, line by line. */
const BLOCK =
  /^<\/?(?:address|article|aside|base|body|center|col|colgroup|dd|dialog|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|meta|nav|noframes|ol|optgroup|option|p|param|pre|script|section|style|table|tbody|td|textarea|tfoot|th|thead|title|tr|track|ul)(?=[\s>]|\/>|$)|^<![a-z]/i;

/** At most this number of `<details>` are nested. */
const DEEPEST = 8;
const DETAILS = /^<details(\s[^<>]*)?>/i;

/** @param {MarkdownIt} markdown */
export function htmlRules(markdown) {
  markdown.block.ruler.at("html_block", htmlBlock, { alt: ["paragraph", "reference", "blockquote"] });
  markdown.block.ruler.before("html_block", "details", details, { alt: ["paragraph", "reference", "blockquote"] });
  markdown.inline.ruler.at("html_inline", htmlInline);
}

/**
 * @param {string} text  A tag, or a comment.
 * @returns {{name: string, isEnd: boolean} | null}  Null for what is shown as text.
 */
export function readTag(text) {
  const found = /^<(\/?)([a-zA-Z]+)(?=[\s/>])/.exec(text);
  const name = found?.[2].toLowerCase() ?? "";
  return TAG_NAMES.includes(name) ? { name, isEnd: found?.[1] === "/" } : null;
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 */
function htmlInline(state, silent) {
  if (state.src[state.pos] !== "<") return false;
  let end = -1;
  if (state.src.startsWith("<!--", state.pos)) {
    // A comment is text, and so is what looks like Markdown in it.
    state.cache.lastComment ??= state.src.lastIndexOf("-->");
    if (state.cache.lastComment > state.pos) end = state.src.indexOf("-->", state.pos) + 3;
  } else {
    TAG.lastIndex = state.pos;
    if (TAG.test(state.src)) end = TAG.lastIndex;
  }
  if (end < 0 || end > state.posMax) return false;
  if (!silent) state.push("html_inline", "", 0).content = state.src.slice(state.pos, end);
  state.pos = end;
  return true;
}

/**
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 * @param {boolean} silent
 */
function htmlBlock(state, startLine, endLine, silent) {
  if (state.sCount[startLine] - state.blkIndent >= 4) return false;
  const line = lineText(state, startLine);
  if (!BLOCK.test(line)) return false;
  if (silent) return true;
  let nextLine = startLine + 1;
  while (nextLine < endLine && !state.isEmpty(nextLine) && state.sCount[nextLine] >= state.blkIndent) nextLine += 1;
  state.line = nextLine;
  const token = state.push("html_block", "", 0);
  token.map = [startLine, nextLine];
  token.content = state.getLines(startLine, nextLine, state.blkIndent, true);
  return true;
}

/**
 * `<details>` with blocks inside, up to its end tag or the end of what contains it.
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 * @param {boolean} silent
 */
function details(state, startLine, endLine, silent) {
  if (state.sCount[startLine] - state.blkIndent >= 4) return false;
  const line = lineText(state, startLine);
  const opening = DETAILS.exec(line);
  if (!opening) return false;
  const rest = line.slice(opening[0].length).trim();
  // A sentence about the tag is a sentence.
  if (rest && !/^<summary[\s>]/i.test(rest) && !/<\/details\s*>/i.test(rest)) return false;
  const depth = state.env.detailsDepth ?? 0;
  if (depth >= DEEPEST) return false;
  if (silent) return true;

  state.env.detailsDepth = depth + 1;
  const { closeLine, closeAt } = findEnd(state, startLine, endLine, opening[0].length);
  const open = state.push("details_open", "details", 1);
  open.meta = { isOpen: /\bopen\b/i.test(opening[1] ?? "") };
  const saved = saveLines(state, startLine, Math.min(closeLine + 1, endLine));
  const { parentType, lineMax, tight } = state;
  state.parentType = /** @type {any} */ ("details");
  if (closeLine < endLine) state.eMarks[closeLine] = closeAt;
  state.lineMax = Math.min(closeLine + 1, endLine);

  let at = state.bMarks[startLine] + state.tShift[startLine] + opening[0].length;
  let from = beginAt(state, startLine, at);
  from = state.skipEmptyLines(from);
  if (from < state.lineMax && /^<summary[\s>]/i.test(lineText(state, from))) {
    at = state.bMarks[from] + state.tShift[from];
    from = summary(state, from, at);
  }
  if (from < state.lineMax) state.md.block.tokenize(state, from, state.lineMax);

  state.lineMax = lineMax;
  state.parentType = parentType;
  state.tight = tight;
  saved();
  state.line = Math.min(closeLine + 1, endLine);
  open.map = [startLine, state.line];
  const after =
    closeLine < endLine
      ? state.src
          .slice(closeAt, state.eMarks[closeLine])
          .replace(/^[^>]*>/, "")
          .trim()
      : "";
  if (after) {
    // A block takes whole lines, so what is left of the last one stays with it.
    const paragraph = state.push("paragraph_open", "p", 1);
    paragraph.map = [closeLine, closeLine + 1];
    const inline = state.push("inline", "", 0);
    inline.content = after;
    inline.map = paragraph.map;
    inline.children = [];
    state.push("paragraph_close", "p", -1);
  }
  state.push("details_close", "details", -1);
  state.env.detailsDepth = depth;
  return true;
}

/**
 * @param {StateBlock} state
 * @param {number} line
 * @param {number} at  Where its tag begins.
 * @returns {number}  The line where what follows begins.
 */
function summary(state, line, at) {
  const begin = state.src.indexOf(">", at) + 1;
  let last = line;
  let end = -1;
  for (; last < state.lineMax && end < 0; last++) {
    const from = last === line ? begin : state.bMarks[last];
    const found = state.src.slice(from, state.eMarks[last]).search(/<\/summary\s*>/i);
    if (found >= 0) end = from + found;
    else if (state.isEmpty(last)) break;
  }
  const isClosed = end >= 0;
  const lastLine = Math.max(line, last - 1);
  if (!isClosed) end = state.eMarks[lastLine];
  const open = state.push("summary_open", "summary", 1);
  open.map = [line, lastLine + 1];
  const inline = state.push("inline", "", 0);
  inline.content = state.src
    .slice(begin, Math.max(begin, end))
    .replace(/\n[ \t>]*/g, "\n")
    .trim();
  inline.map = open.map;
  inline.children = [];
  state.push("summary_close", "summary", -1);
  return isClosed ? beginAt(state, lastLine, state.src.indexOf(">", end) + 1) : lastLine + 1;
}

/**
 * Lets a line begin at this place, as that of a list item does.
 * @param {StateBlock} state
 * @param {number} line
 * @param {number} at
 * @returns {number}  The line, or the next one where nothing is left of it.
 */
function beginAt(state, line, at) {
  state.bMarks[line] = at;
  const text = state.src.slice(at, state.eMarks[line]);
  const indent = text.length - text.trimStart().length;
  state.tShift[line] = indent;
  state.sCount[line] = state.blkIndent;
  return indent === text.length ? line + 1 : line;
}

/**
 * The end tag that belongs to the tag of a line. Code is passed over.
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 * @param {number} skip  How long the tag is.
 */
function findEnd(state, startLine, endLine, skip) {
  let depth = 1;
  let fence = "";
  for (let line = startLine; line < endLine; line++) {
    if (line > startLine && !state.isEmpty(line) && state.sCount[line] < state.blkIndent) {
      return { closeLine: line - 1, closeAt: state.eMarks[line - 1] };
    }
    const first = state.bMarks[line] + state.tShift[line] + (line === startLine ? skip : 0);
    const text = state.src.slice(first, state.eMarks[line]);
    const mark = /^\s*(`{3,}|~{3,})/.exec(text)?.[1];
    if (fence) {
      if (mark?.startsWith(fence) && text.trim() === mark) fence = "";
      continue;
    }
    if (mark) {
      fence = mark;
      continue;
    }
    for (const tag of text.matchAll(/`[^`]*`|<(\/?)details(?:\s[^<>]*)?>/gi)) {
      if (tag[1] === undefined) continue;
      depth += tag[1] ? -1 : 1;
      if (depth === 0) return { closeLine: line, closeAt: first + tag.index };
    }
  }
  return { closeLine: endLine, closeAt: 0 };
}

/**
 * @param {StateBlock} state
 * @param {number} from
 * @param {number} to
 * @returns {() => void}  Puts them back.
 */
function saveLines(state, from, to) {
  const fields = /** @type {const} */ (["bMarks", "eMarks", "tShift", "sCount"]);
  const saved = fields.map((field) => state[field].slice(from, to));
  return () => {
    for (const [index, field] of fields.entries()) {
      for (let line = from; line < to; line++) state[field][line] = saved[index][line - from];
    }
  };
}
