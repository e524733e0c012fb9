/**
 * The rule that parses the text within blocks, in place of markdown-it's own.
 */

import { decided } from "./growing/undecided.js";

/** @import {StateCore, Token} from "../../vendor/markdown-it.js" */

/**
 * Parses the text within each block. The last one of a text that grows is marked, so that the rules for inline text
 * know that it does not end there.
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
    if (isParsable(token.content)) md.inline.parse(token.content, md, env, token.children ?? []);
    else token.children = plainTokens(token.content, state);
  }
}

/** A text with more marks is shown as it is written, because parsing it would block the page. */
const MOST_MARKS = 4_000;

/**
 * Whether a text has few enough marks to be parsed.
 * @param {string} text
 */
function isParsable(text) {
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
 * The text as it is written, with its line breaks.
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
 * The text that may still grow at the end of the source; -1 where the source ends between blocks.
 * @param {Token[]} tokens
 * @param {string} src
 */
function lastInline(tokens, src) {
  if (/\n[ \t>]*\n[ \t]*$/.test(src)) return -1;
  let last = tokens.findLastIndex((token) => token.nesting === 0);
  // An empty block may follow it.
  if (tokens[last]?.type !== "inline" || tokens.findLastIndex((token) => token.nesting > 0) > last) return -1;
  // The last cells of a row are empty until their text arrives.
  while (tokens[last].content === "" && tokens[last - 2]?.type === "td_close") last -= 3;
  // A heading and a cell end with their line.
  return tokens[last - 1].type !== "paragraph_open" && src.endsWith("\n") ? -1 : last;
}
