/**
 * Blocks beyond CommonMark, and those of its rules that models need otherwise: fences that nest, alerts, footnotes,
 * tables whose code holds a pipe, and a bound for the depth.
 */

import { FenceReader } from "./fences.js";
import { lineText } from "./state.js";

/** @import {MarkdownIt, StateBlock, StateCore, StateInline} from "../../vendor/markdown-it.js" */

/** Deeper blocks are shown as text. A list takes two levels. */
export const DEEPEST = 50;

/** @type {Record<string, string>} The kinds of alerts, and other names for them. */
const ALERTS = {
  note: "note",
  info: "note",
  tip: "tip",
  hint: "tip",
  important: "important",
  warning: "warning",
  attention: "warning",
  caution: "caution",
  danger: "caution",
};

/** @param {MarkdownIt} markdown */
export function blockRules(markdown) {
  const { ruler } = markdown.block;
  const quotation = ruler.__rules__[ruler.__find__("blockquote")].fn;
  ruler.at("fence", fence, { alt: ["paragraph", "reference", "blockquote", "list"] });
  ruler.at("table", table, { alt: ["paragraph", "reference"] });
  ruler.at("blockquote", comparison(quotation), { alt: ["paragraph", "reference", "blockquote", "list"] });
  ruler.before("reference", "footnote", footnote, { alt: ["paragraph", "reference"] });
  ruler.before("table", "too_deep", tooDeep);
  markdown.inline.ruler.before("link", "footnote_ref", footnoteMark);
  markdown.core.ruler.after("block", "alerts", alerts);
}

/**
 * Text where the depth has its bound: nothing is lost, and hostile nesting costs nothing.
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 */
function tooDeep(state, startLine, endLine) {
  if (state.level < DEEPEST) return false;
  let nextLine = startLine + 1;
  while (nextLine < endLine && state.sCount[nextLine] >= state.blkIndent) nextLine += 1;
  state.line = nextLine;
  const token = state.push("html_block", "", 0);
  token.map = [startLine, nextLine];
  token.content = state.getLines(startLine, nextLine, state.blkIndent, false);
  return true;
}

/**
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 * @param {boolean} silent
 */
function fence(state, startLine, endLine, silent) {
  if (state.sCount[startLine] - state.blkIndent >= 4) return false;
  const first = lineText(state, startLine);
  const marker = /^(?:`{3,}(?=[^`]*$)|~{3,})/.exec(first)?.[0];
  if (!marker) return false;
  if (silent) return true;

  const opening = { marker, info: first.slice(marker.length).trim() };
  let { end, isClosed } = findEnd(state, startLine, endLine, new FenceReader(opening));
  if (!isClosed && !state.env.growing) {
    // The fences inside do not match, so the first bare fence was the end.
    ({ end, isClosed } = findEnd(state, startLine, endLine, new FenceReader(opening, false)));
  }
  state.line = end + (isClosed ? 1 : 0);
  const token = state.push("fence", "code", 0);
  token.info = opening.info;
  token.content = state.getLines(startLine + 1, end, state.sCount[startLine], true);
  token.markup = marker;
  token.map = [startLine, state.line];
  token.meta = { isClosed };
  return true;
}

/**
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 * @param {FenceReader} reader
 */
function findEnd(state, startLine, endLine, reader) {
  for (let line = startLine + 1; line < endLine; line++) {
    if (!state.isEmpty(line) && state.sCount[line] < state.blkIndent) return { end: line, isClosed: false };
    if (state.sCount[line] - state.blkIndent < 4 && reader.closes(lineText(state, line)))
      return { end: line, isClosed: true };
  }
  return { end: endLine, isClosed: false };
}

/**
 * `- > 25: expensive` is a comparison, no quotation.
 * @param {(state: StateBlock, startLine: number, endLine: number, silent: boolean) => boolean} quotation
 * @returns {typeof quotation}
 */
function comparison(quotation) {
  return (state, startLine, endLine, silent) => {
    const isItem = state.parentType === "list" && state.tokens.at(-1)?.type === "list_item_open";
    if (isItem && /^>=?\s*[\d$€£¥]/.test(lineText(state, startLine))) return false;
    return quotation(state, startLine, endLine, silent);
  };
}

/**
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 * @param {boolean} silent
 */
function footnote(state, startLine, endLine, silent) {
  if (state.sCount[startLine] - state.blkIndent >= 4) return false;
  const found = /^\[\^([^\s[\]]{1,50})\]:[ \t]*/.exec(lineText(state, startLine));
  if (!found) return false;
  if (silent) return true;
  const token = state.push("footnote_open", "div", 1);
  token.meta = { label: found[1] };
  state.env.footnotes?.add(found[1]);
  const saved = [state.bMarks[startLine], state.tShift[startLine], state.sCount[startLine]];
  const { parentType, blkIndent, tight } = state;
  state.bMarks[startLine] += state.tShift[startLine] + found[0].length;
  state.tShift[startLine] = 0;
  // What continues it is indented, as GitHub and Pandoc have it.
  state.blkIndent += 2;
  state.sCount[startLine] = state.blkIndent;
  state.parentType = /** @type {any} */ ("footnote");
  state.md.block.tokenize(state, startLine, endLine);
  state.parentType = parentType;
  state.blkIndent = blkIndent;
  state.tight = tight;
  [state.bMarks[startLine], state.tShift[startLine], state.sCount[startLine]] = saved;
  // A definition without text.
  state.line = Math.max(state.line, startLine + 1);
  token.map = [startLine, state.line];
  state.push("footnote_close", "div", -1);
  return true;
}

const FOOTNOTE_MARK = /\[\^([^\s[\]]{1,50})\]/y;

/**
 * A number always is one; a word only where its footnote is known, since `[^abc]` also is a regular expression.
 * @param {StateInline} state
 * @param {boolean} silent
 */
function footnoteMark(state, silent) {
  FOOTNOTE_MARK.lastIndex = state.pos;
  const found = FOOTNOTE_MARK.exec(state.src);
  if (!found || !(/^\d+$/.test(found[1]) || state.env.footnotes?.has(found[1]))) return false;
  if (!silent) state.push("footnote_ref", "", 0).meta = { label: found[1] };
  state.pos += found[0].length;
  return true;
}

/**
 * Quotations that begin with `[!NOTE]` become alerts; a title of its own may follow.
 * @param {StateCore} state
 */
function alerts(state) {
  for (const [index, token] of state.tokens.entries()) {
    const inline = state.tokens[index + 2];
    if (token.type !== "blockquote_open" || state.tokens[index + 1]?.type !== "paragraph_open") continue;
    const found = /^\[!([a-zA-Z]+)\][-+]?[ \t]*([^\n]*)\n?/.exec(inline.content);
    const kind = found && ALERTS[found[1].toLowerCase()];
    if (!found || !kind) continue;
    const word = found[1][0].toUpperCase() + found[1].slice(1).toLowerCase();
    // A title of its own may follow while the line grows.
    const isUndecided = state.env.growing && state.src.trimEnd().endsWith(inline.content) && !found[0].endsWith("\n");
    token.meta = { kind, title: found[2].replace(/[*`]/g, "") || (isUndecided ? "" : word) };
    inline.content = inline.content.slice(found[0].length);
  }
}

const MOST_ADDED_CELLS = 65_536;

/**
 * markdown-it's rule for tables, but for rows with too many cells: a pipe in code or math is no border, and what is
 * left over goes into the last cell instead of being lost.
 * @param {StateBlock} state
 * @param {number} startLine
 * @param {number} endLine
 * @param {boolean} silent
 */
function table(state, startLine, endLine, silent) {
  if (startLine + 2 > endLine) return false;
  const second = startLine + 1;
  const indent = state.sCount[second] - state.blkIndent;
  if (indent < 0 || indent >= 4 || state.sCount[startLine] - state.blkIndent >= 4) return false;
  const delimiters = lineText(state, second);
  if (!/^[|:-][|:\s-]/.test(delimiters) || /^-\s|[^|:\s-]/.test(delimiters)) return false;
  const aligns = readAligns(delimiters);
  const first = lineText(state, startLine).trim();
  if (!aligns || !first.includes("|")) return false;
  let header = splitRow(first);
  if (header.length > aligns.length) header = splitRow(first, true);
  if (header.length === 0 || header.length !== aligns.length) return false;
  if (silent) return true;

  const { parentType } = state;
  state.parentType = "table";
  const ends = state.md.block.ruler.getRules("blockquote");
  const open = state.push("table_open", "table", 1);
  pushRow(state, startLine, header, aligns, "th");
  let nextLine = second + 1;
  let added = 0;
  for (; nextLine < endLine; nextLine++) {
    if (state.isEmpty(nextLine) || state.sCount[nextLine] < state.blkIndent) break;
    if (state.sCount[nextLine] - state.blkIndent >= 4) break;
    if (ends.some((rule) => rule(state, nextLine, endLine, true))) break;
    const line = lineText(state, nextLine).trim();
    let cells = splitRow(line);
    if (cells.length > aligns.length) cells = splitRow(line, true);
    if (cells.length > aligns.length) cells.push(cells.splice(aligns.length - 1).join("|"));
    added += aligns.length - cells.length;
    if (added > MOST_ADDED_CELLS) break;
    pushRow(state, nextLine, cells, aligns, "td");
  }
  state.push("table_close", "table", -1);
  open.map = [startLine, nextLine];
  state.parentType = parentType;
  state.line = nextLine;
  return true;
}

/**
 * @param {string} line
 * @returns {string[] | null}
 */
function readAligns(line) {
  const aligns = [];
  const columns = line.split("|");
  for (const [index, column] of columns.entries()) {
    const text = column.trim();
    if (!text && (index === 0 || index === columns.length - 1)) continue;
    if (!/^:?-+:?$/.test(text)) return null;
    const right = text.endsWith(":");
    if (text.startsWith(":")) aligns.push(right ? "center" : "left");
    else aligns.push(right ? "right" : "");
  }
  return aligns;
}

const PLAIN_PIECE = /\\\||\\|\||[^\\|]+/g;
const PIECE = /`[^`]*`|\$[^$\s](?:[^$]*[^$\s])?\$|\\\||\\|\||[`$]|[^`$\\|]+/g;

/**
 * @param {string} line
 * @param {boolean} [isCareful]  Pipes within code and math are no borders.
 * @returns {string[]}
 */
function splitRow(line, isCareful = false) {
  const cells = [""];
  for (const [piece] of line.matchAll(isCareful ? PIECE : PLAIN_PIECE)) {
    if (piece === "|") cells.push("");
    else cells[cells.length - 1] += piece === "\\|" ? "|" : piece;
  }
  if (cells[0] === "") cells.shift();
  if (cells.at(-1) === "") cells.pop();
  return cells;
}

/**
 * @param {StateBlock} state
 * @param {number} line
 * @param {string[]} cells
 * @param {string[]} aligns
 * @param {"th" | "td"} tag
 */
function pushRow(state, line, cells, aligns, tag) {
  state.push("tr_open", "tr", 1).map = [line, line + 1];
  for (const [index, align] of aligns.entries()) {
    state.push(`${tag}_open`, tag, 1).meta = { align };
    const inline = state.push("inline", "", 0);
    inline.content = (cells[index] ?? "").trim();
    inline.children = [];
    state.push(`${tag}_close`, tag, -1);
  }
  state.push("tr_close", "tr", -1);
}
