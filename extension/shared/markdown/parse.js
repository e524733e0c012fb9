/**
 * Markdown as a tree of plain data. markdown-it splits the text; rules of our own add what models write beyond
 * CommonMark and GitHub's tables. Nothing here touches the DOM, and nothing of the text is trusted: the view decides
 * what becomes an element.
 */

import MarkdownIt from "../../vendor/markdown-it.js";
import markdownItCjkFriendly from "../../vendor/markdown-it-cjk-friendly.js";
import { readInfo } from "../languages.js";
import { blockRules } from "./blocks.js";
import { emphasisRules } from "./emphasis.js";
import { growingRules } from "./growing/rules.js";
import { withDelimiterRow } from "./growing/table.js";
import { isUndecided } from "./growing/undecided.js";
import { htmlRules } from "./html.js";
import { inlineNodes } from "./inline.js";
import { inlineRule } from "./inline-rule.js";
import { linkRules } from "./links.js";
import { mathRules } from "./math.js";

/** @import {Token} from "../../vendor/markdown-it.js" */
/** @import {InlineNode, MathNode} from "./inline.js" */

/**
 * A block. `start` and `end` are offsets in the source (UTF-16 units) of the whole lines that it takes; the lines of a
 * nested block are those that it shares with its container. Blank lines belong to no block.
 * @typedef {object} BlockNode
 * @property {"paragraph" | "heading" | "code" | "list" | "item" | "table" | "row" | "cell" | "blockquote" | "alert"
 *   | "details" | "summary" | "rule" | "html" | "math" | "definition" | "footnote"} type
 * @property {number} start
 * @property {number} end
 * @property {BlockNode[]} children  Blocks inside; a list's items, a table's rows (its header first), a row's cells.
 * @property {InlineNode[]} [inline]  The text of a paragraph, a heading or a cell.
 * @property {number} [depth]  Of a heading, 1 to 6.
 * @property {string} [text]  Of code, and of what is shown as it is written.
 * @property {string} [language]  Of fenced code, as its fence says; empty without one.
 * @property {string} [file]  The name that a fence gives the code; empty without one.
 * @property {boolean} [fence]  Fenced code, not indented one.
 * @property {boolean} [isClosed]  The fence has its end.
 * @property {boolean} [isOrdered]
 * @property {number} [number]  The first number of an ordered list.
 * @property {boolean} [isLoose]  Blank lines separate the items of a list.
 * @property {boolean} [isTask]  An item with a check box,
 * @property {boolean} [isDone]  and whether that is checked.
 * @property {boolean} [isHeader]  Of a row and its cells.
 * @property {"left" | "center" | "right" | ""} [align]  Of a cell.
 * @property {MathNode} [math]  A formula of its own.
 * @property {string} [kind]  Of an alert: note, tip, important, warning or caution.
 * @property {string} [title]  Of an alert and of a definition.
 * @property {boolean} [isOpen]  `<details open>`.
 * @property {string} [label]  Of a definition (normalised) and of a footnote.
 * @property {string[]} [uses]  Labels of the definitions that the text of a block refers to.
 * @property {string} [name]  A definition's label as it is written,
 * @property {string} [href]  its address,
 * @property {boolean} [isUsed]  and whether a text before it refers to it: then it is not shown.
 */

/**
 * What is known besides the text.
 * @typedef {object} Environment
 * @property {Record<string, {href: string, title: string}>} [definitions]  Link definitions by normalised label; the
 *   ones that the source holds are added.
 * @property {Set<string>} [uses]  Labels of the definitions that texts refer to, known or not; added to.
 * @property {Set<string>} [footnotes]  Labels of the footnotes that are defined; added to.
 * @property {boolean} [growing]  The end of the source is not the end of the text.
 */

const markdown = new MarkdownIt({ html: true, linkify: true, breaks: true }).use(markdownItCjkFriendly);
emphasisRules(markdown);
htmlRules(markdown);
linkRules(markdown);
mathRules(markdown);
blockRules(markdown);
growingRules(markdown);
// Addresses stay as they are written: the view parses them, and refuses what is no link.
markdown.normalizeLink = (url) => url;
markdown.validateLink = () => true;
// The tokens of definitions are wanted, and the addresses in the text are read by a rule of our own.
markdown.core.ruler.disable(["strip_references", "linkify"]);
markdown.core.ruler.at("inline", inlineRule);

/**
 * @param {string} source  With `\n` as its line break.
 * @param {Environment} [env]
 * @returns {BlockNode[]}
 */
export function parse(source, env = {}) {
  env.definitions ??= Object.create(null);
  env.uses ??= new Set();
  env.footnotes ??= new Set();
  if (!env.growing) return build(source, tokenize(source, env), env, source.length);

  const tokens = tokenize(source, env);
  if (isVerbatim(tokens, source)) return build(source, tokens, env, source.length);
  const lastLine = source.lastIndexOf("\n") + 1;
  const line = source.slice(lastLine);
  const held = isUndecided(line) ? line : "";
  const text = held ? source.slice(0, lastLine) : source;
  const decided = held ? tokenize(text, env) : tokens;
  const table = endsInParagraph(decided, text) ? withDelimiterRow(text, held) : null;
  if (table) return build(table, tokenize(table, env), env, source.length);
  return build(text, decided, env, source.length);
}

/**
 * @param {string} source
 * @param {Environment} env
 * @returns {Token[]}
 */
function tokenize(source, env) {
  return markdown.parse(source, {
    references: env.definitions,
    footnotes: env.footnotes,
    growing: env.growing,
    isLastInline: false,
  });
}

/**
 * @param {string} source
 * @param {Token[]} tokens
 * @param {Environment} env
 * @param {number} length  Of the text that was given.
 */
function build(source, tokens, env, length) {
  return new TreeBuilder(source, tokens, env, length).blocks();
}

/**
 * Whether the last line is shown as it is written: in code, in math and in HTML.
 * @param {Token[]} tokens
 * @param {string} source
 */
function isVerbatim(tokens, source) {
  const last = tokens.findLast((token) => token.nesting === 0);
  if (last?.type === "code_block" || last?.type === "html_block") return !/\n[ \t]*\n[^\n]*$/.test(source);
  return (last?.type === "fence" && !last.meta.isClosed) || (last?.type === "math" && !last.meta.isClosed);
}

/**
 * Whether a paragraph is open at the end: its last line may be a table's header.
 * @param {Token[]} tokens
 * @param {string} text
 */
function endsInParagraph(tokens, text) {
  const last = tokens.findLastIndex((token) => token.nesting === 0);
  return tokens[last - 1]?.type === "paragraph_open" && !/\n[ \t>]*\n$/.test(text);
}

/** Makes the tree of markdown-it's flat list of tokens. */
class TreeBuilder {
  /** @type {number[]} Where each line begins, and the end. */
  #lines = [0];
  #at = 0;
  /** @type {string[]} */
  #uses = [];

  /**
   * @param {string} source
   * @param {Token[]} tokens
   * @param {Environment} env
   * @param {number} length  Where the last block ends at most.
   */
  constructor(source, tokens, env, length) {
    this.source = source;
    this.tokens = tokens;
    this.env = env;
    for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) this.#lines.push(at + 1);
    this.#lines = this.#lines.map((at) => Math.min(at, length));
    if (this.#lines.at(-1) !== Math.min(source.length, length)) this.#lines.push(Math.min(source.length, length));
  }

  /**
   * The blocks up to the token that closes their container.
   * @returns {BlockNode[]}
   */
  blocks() {
    const nodes = [];
    while (this.#at < this.tokens.length && this.tokens[this.#at].nesting >= 0) {
      const token = this.tokens[this.#at++];
      const from = this.#uses.length;
      const node = this.#block(token);
      if (this.#uses.length > from) node.uses = this.#uses.slice(from);
      // Nothing is left of a paragraph whose text is not decided yet.
      if (node.type !== "paragraph" || node.inline?.length) nodes.push(node);
      // The token that closes it.
      if (token.nesting > 0) this.#at += 1;
    }
    return nodes;
  }

  /**
   * @param {Token} token
   * @returns {BlockNode}
   */
  #block(token) {
    switch (token.type) {
      case "paragraph_open":
        return this.#node("paragraph", token, { inline: this.#inline() });
      case "heading_open":
        return this.#node("heading", token, { depth: Number(token.tag.slice(1)), inline: this.#inline() });
      case "fence":
        return this.#fence(token);
      case "code_block":
        return this.#node("code", token, { fence: false, language: "", text: token.content.replace(/\n+$/, "") });
      case "math":
        return this.#node("math", token, { math: { type: "math", ...token.meta } });
      case "bullet_list_open":
      case "ordered_list_open":
        return this.#list(token);
      case "list_item_open":
        return this.#item(token);
      case "blockquote_open":
        return this.#node(token.meta ? "alert" : "blockquote", token, { ...token.meta, children: this.blocks() });
      case "details_open":
        return this.#node("details", token, { isOpen: token.meta.isOpen, children: this.blocks() });
      case "summary_open":
        return this.#node("summary", token, { inline: this.#inline() });
      case "table_open":
        return this.#node("table", token, { children: this.#rows() });
      case "hr":
        return this.#node("rule", token);
      case "html_block":
        return this.#node("html", token, { text: token.content.trim() });
      case "reference_definition":
        return this.#definition(token);
      case "footnote_open":
        return this.#node("footnote", token, { label: token.meta.label, children: this.blocks() });
      default:
        throw new Error(`unknown block: ${token.type}`);
    }
  }

  /**
   * @param {BlockNode["type"]} type
   * @param {Token} token
   * @param {Partial<BlockNode>} [fields]
   * @returns {BlockNode}
   */
  #node(type, token, fields) {
    const [first, last] = token.map ?? [0, 0];
    return { type, start: this.#lines[first], end: this.#lines[last], children: [], ...fields };
  }

  /** @returns {InlineNode[]} */
  #inline() {
    const token = this.tokens[this.#at++];
    for (const label of token.meta.uses) {
      this.env.uses?.add(label);
      this.#uses.push(label);
    }
    return inlineNodes(token.children ?? [], token.meta.isGrowing);
  }

  /** @param {Token} token */
  #fence(token) {
    const { isClosed } = token.meta;
    const named = readInfo(markdown.utils.unescapeAll(token.info));
    let { content } = token;
    // What may become the closing fence.
    if (this.env.growing && !isClosed && !this.source.endsWith("\n"))
      content = content.replace(/(^|\n) {0,3}(?:`+|~+)$/, "$1");
    if (named.language.toLowerCase() === "math") {
      const source = isClosed ? `$$\n${content}$$` : content;
      return this.#node("math", token, {
        math: { type: "math", source, tex: content.trim(), isDisplay: true, isClosed },
      });
    }
    return this.#node("code", token, { fence: true, isClosed, ...named, text: content.replace(/\n+$/, "") });
  }

  /** @param {Token} token */
  #definition(token) {
    const node = this.#node("definition", token);
    const { label } = token.meta;
    const name = /\[((?:[^\]\\]|\\.)+)\]:/.exec(this.source.slice(node.start, node.end))?.[1] ?? label;
    const { href, title } = this.env.definitions?.[label] ?? { href: "", title: "" };
    return { ...node, label, name, href, title, isUsed: this.env.uses?.has(label) };
  }

  /** @param {Token} token */
  #list(token) {
    const from = this.#at;
    const children = this.blocks();
    const paragraph = this.tokens
      .slice(from, this.#at)
      .find((inner) => inner.type === "paragraph_open" && inner.level === token.level + 2);
    return this.#node("list", token, {
      isOrdered: token.type === "ordered_list_open",
      number: Number(token.attrGet("start") ?? 1),
      isLoose: paragraph !== undefined && !paragraph.hidden,
      children,
    });
  }

  /** @param {Token} token */
  #item(token) {
    const node = this.#node("item", token, { children: this.blocks() });
    const text = node.children[0]?.type === "paragraph" ? node.children[0].inline?.[0] : undefined;
    const box = text?.type === "text" && /^\[([ xX])\](?=\s)\s*/.exec(text.text);
    if (text?.type !== "text" || !box) return node;
    text.text = text.text.slice(box[0].length);
    return { ...node, isTask: true, isDone: box[1] !== " " };
  }

  #rows() {
    /** @type {BlockNode[]} */
    const rows = [];
    for (let token = this.tokens[this.#at]; token.type !== "table_close"; token = this.tokens[++this.#at]) {
      if (token.type === "tr_open") rows.push(this.#node("row", token, { isHeader: rows.length === 0 }));
      if (token.type !== "th_open" && token.type !== "td_open") continue;
      this.#at += 1;
      const row = rows[rows.length - 1];
      const from = this.#uses.length;
      row.children.push({
        type: "cell",
        start: row.start,
        end: row.end,
        children: [],
        inline: this.#inline(),
        isHeader: row.isHeader,
        align: token.meta.align,
      });
      if (this.#uses.length > from) row.uses = [...(row.uses ?? []), ...this.#uses.slice(from)];
    }
    return rows;
  }
}
