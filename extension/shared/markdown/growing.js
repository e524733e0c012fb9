/**
 * The end of a text that grows: what stands there is drawn as what it is going to be, and marks whose meaning the next
 * character decides wait for it.
 */

import { closeAtEnd, withPositions } from "./emphasis.js";
import { TAG_NAMES } from "./html.js";

/** @import {MarkdownIt, StateCore, StateInline, Token} from "../../vendor/markdown-it.js" */

/** A last line that may yet become anything: a list, a rule, a heading's underline, a table's. */
const UNDECIDED_LINE = /^[ \t>]*(?:[-*+_=#`~|: \t]+|\d{1,9}[.)]?[ \t]*|(?:`{3,}|~{3,})[^`]*|\\|\$\$?|<!?-?-?)$/;

/** Marks at the end of a text that the next character decides. */
const UNDECIDED_END = /(?:[*_~`]+|!?\[|!|\\|\$+|<\/?|&#?[a-zA-Z0-9]{0,31})$/;
const PART_OF_TAG = /<\/?([a-zA-Z]+)(?:\s[^<>]*)?\/?$/;

/** @param {MarkdownIt} markdown */
export function growingRules(markdown) {
  const { ruler, ruler2 } = markdown.inline;
  const rule = (/** @type {string} */ name) => ruler.__rules__[ruler.__find__(name)].fn;
  ruler.at("emphasis", withPositions(rule("emphasis")));
  ruler.at("backticks", withOpenCode(rule("backticks")));
  ruler.after("image", "open_link", openLink);
  ruler2.after("balance_pairs", "close_at_end", closeAtEnd);
}

/**
 * markdown-it's rule for the text within blocks, which knows where the text ends that grows.
 * @param {StateCore} state
 */
export function inlineRule(state) {
  const { env, md, src, tokens } = state;
  const last = env.growing ? lastInline(tokens, src) : -1;
  for (const [index, token] of tokens.entries()) {
    if (token.type !== "inline") continue;
    const isLast = index === last;
    if (isLast) token.content = decided(token.content, tokens[index - 1]?.type === "paragraph_open");
    env.isLastInline = isLast;
    env.noted = [];
    token.meta = { isGrowing: isLast, uses: env.noted };
    if (isShaped(token.content)) md.inline.parse(token.content, md, env, token.children ?? []);
    else token.children = plainTokens(token.content, state);
  }
}

/** More marks than a paragraph can mean: they are shown as they are, so that no text holds the page up. */
const MOST_MARKS = 4_000;

/** @param {string} text */
function isShaped(text) {
  if (text.length < MOST_MARKS) return true;
  let marks = 0;
  for (const [mark] of text.matchAll(/[*_~`<\\$&@[]|:\/\//g)) {
    // An address takes longer to read.
    marks += mark === "://" ? 3 : 1;
    if (marks > MOST_MARKS) return false;
  }
  return true;
}

/**
 * @param {string} text
 * @param {StateCore} state
 */
function plainTokens(text, state) {
  const tokens = [];
  for (const line of text.split("\n")) {
    if (tokens.length > 0) tokens.push(new state.Token("softbreak", "br", 0));
    const token = new state.Token("text", "", 0);
    token.content = line;
    tokens.push(token);
  }
  return tokens;
}

/**
 * @param {Token[]} tokens
 * @param {string} src
 */
function lastInline(tokens, src) {
  if (/\n[ \t>]*\n[ \t]*$/.test(src)) return -1;
  let last = tokens.findLastIndex((token) => token.nesting === 0);
  // An empty block may stand behind it.
  if (tokens[last]?.type !== "inline" || tokens.findLastIndex((token) => token.nesting > 0) > last) return -1;
  // The last cells of a row are empty until their text comes.
  while (tokens[last].content === "" && tokens[last - 2]?.type === "td_close") last -= 3;
  // A heading and a cell end with their line.
  return tokens[last - 1].type !== "paragraph_open" && src.endsWith("\n") ? -1 : last;
}

/**
 * @param {string} line
 * @returns {boolean}
 */
export function isUndecided(line) {
  return UNDECIDED_LINE.test(line);
}

/**
 * Whether this is the text at the end of what grows.
 * @param {StateInline} state
 * @returns {boolean}
 */
export function isGrowing(state) {
  return Boolean(state.env.isLastInline);
}

/**
 * Not inside of a link's text.
 * @param {StateInline} state
 * @returns {boolean}
 */
export function isTop(state) {
  return state.posMax === state.src.length && state.linkLevel === 0;
}

/**
 * The text without the marks at its end that are not decided.
 * @param {string} text
 * @param {boolean} isFirst  It begins a block, where more is undecided: an alert's kind, a check box, a definition.
 * @returns {string}
 */
export function decided(text, isFirst) {
  if (isFirst && /^(?:\[[ xX]?\]?|\[![a-zA-Z]*\]?|\[\^?[^\s[\]]{0,50}(?:\]:?\s*)?)$/.test(text)) return "";
  // Marks without end are no marks: a few are enough to look at.
  const from = Math.max(0, text.length - 300);
  let end = text.slice(from);
  for (;;) {
    let cut = UNDECIDED_END.exec(end)?.index ?? end.length;
    const tag = PART_OF_TAG.exec(end);
    if (tag && isPartOfName(tag[1].toLowerCase(), tag[0])) cut = Math.min(cut, tag.index);
    cut = Math.min(cut, /\[\^[^\s[\]]{0,50}\]?$/.exec(end)?.index ?? cut);
    if (cut === end.length) return text.slice(0, from) + end;
    end = end.slice(0, cut);
  }
}

/**
 * @param {string} name
 * @param {string} tag
 */
function isPartOfName(name, tag) {
  const isWhole = /[\s/]$|\s/.test(tag.slice(1 + name.length + (tag[1] === "/" ? 1 : 0)));
  return isWhole ? TAG_NAMES.includes(name) : TAG_NAMES.some((known) => known.startsWith(name));
}

/**
 * Code that is open at the end of the text: drawn as code.
 * @param {(state: StateInline, silent: boolean) => boolean} rule
 * @returns {(state: StateInline, silent: boolean) => boolean}
 */
export function withOpenCode(rule) {
  return (state, silent) => {
    const { pos, pending } = state;
    const count = state.tokens.length;
    const matched = rule(state, silent);
    if (!matched || silent || !isGrowing(state) || !isTop(state) || state.tokens.length !== count) return matched;
    const text = state.src.slice(state.pos);
    if (text.includes("\n")) return matched;
    const marker = state.src.slice(pos, state.pos);
    state.pending = pending;
    const token = state.push("code_inline", "code", 0);
    token.markup = marker;
    token.content = text.replace(/^ /, "");
    state.pos = state.posMax;
    return true;
  };
}

/**
 * A link or an image that is open at the end of the text: the link's text, and nothing of an image.
 * @param {StateInline} state
 * @param {boolean} silent
 * @returns {boolean}
 */
export function openLink(state, silent) {
  if (silent || !isGrowing(state) || !isTop(state)) return false;
  const isImage = state.src[state.pos] === "!";
  const start = state.pos + (isImage ? 1 : 0);
  if (state.src[start] !== "[") return false;
  OPEN_LINK.lastIndex = start;
  const found = OPEN_LINK.exec(state.src);
  if (!found) return false;
  const [whole, label, destination] = found;
  if (!destination && /[\w\])]/.test(state.src[state.pos - 1] ?? " ")) return false;
  if (isImage) {
    state.pos = state.posMax;
    return true;
  }
  if (!whole.slice(label.length + 1).startsWith("]")) {
    state.pos = start + 1;
    return true;
  }
  const { posMax } = state;
  const open = state.push("link_open", "a", 1);
  open.attrs = [["href", ""]];
  open.info = "open";
  state.pos = start + 1;
  state.posMax = start + 1 + label.length;
  state.linkLevel += 1;
  state.md.inline.tokenize(state);
  state.linkLevel -= 1;
  state.push("link_close", "a", -1);
  state.posMax = posMax;
  state.pos = posMax;
  return true;
}

const OPEN_LINK = /\[((?:[^[\]\\\n]|\\.){1,300})(?:\](\((?:[^()\n]|\([^()\n]*\))*(?:\([^()\n]*)?|\[[^[\]\n]*)?)?$/y;

/** A line with more pipes is no header. */
const MOST_CELLS = 100;

/**
 * A table's header whose next line has not come: the text with that line, or nothing when it is no table.
 * @param {string} text  Up to the end of the header's line.
 * @param {string} held  What has come of the next line.
 * @returns {string | null}
 */
export function withDelimiterRow(text, held) {
  const line = text.slice(text.lastIndexOf("\n", text.length - 2) + 1).trimEnd();
  const [prefix] = /** @type {RegExpExecArray} */ (/^[ \t>]*/.exec(line));
  const header = line.slice(prefix.length);
  const isNamed = /^[ \t>]*(?:\||:?-+:?[ \t]*\|)/.test(held) && header.includes("|");
  if (!header.startsWith("|") && !isNamed) return null;
  const cells = header.replace(/\\\|/g, "").replace(/^\|/, "").replace(/\|$/, "").split("|").length;
  if (cells > MOST_CELLS) return null;
  return `${text.trimEnd()}\n${prefix}|${"---|".repeat(cells)}\n`;
}
