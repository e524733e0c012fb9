/**
 * The text within a block: markdown-it's flat list of inline tokens as a tree.
 */

import { readTag } from "./html.js";

/** @import {Token} from "../../vendor/markdown-it.js" */

/**
 * @typedef {object} TextNode
 * @property {"text" | "code"} type
 * @property {string} text
 *
 * @typedef {object} BreakNode
 * @property {"break"} type
 *
 * @typedef {object} SpanNode
 * @property {"span"} type
 * @property {string} tag  One of the tags that shape text.
 * @property {InlineNode[]} children
 *
 * @typedef {object} LinkNode
 * @property {"link"} type
 * @property {string} href  As it is written.
 * @property {boolean} isOpen  The address is not known yet.
 * @property {string} title
 * @property {boolean} isBare  An address in the text, whose label is the address.
 * @property {InlineNode[]} children
 *
 * @typedef {object} ImageNode
 * @property {"image"} type
 * @property {string} href
 * @property {string} alt
 *
 * @typedef {object} MathNode
 * @property {"math"} type
 * @property {string} source  With its delimiters.
 * @property {string} tex
 * @property {boolean} isDisplay
 * @property {boolean} isClosed  Otherwise the source is shown.
 *
 * @typedef {object} FootnoteMark
 * @property {"footnote"} type
 * @property {string} label
 *
 * @typedef {TextNode | BreakNode | SpanNode | LinkNode | ImageNode | MathNode | FootnoteMark} InlineNode
 */

/** @type {Record<string, string>} */
const SPANS = { strong_open: "strong", em_open: "em", s_open: "del" };

/** As many elements are open within each other at most; what is deeper is not shaped. */
const DEEPEST = 40;

/**
 * What is open while the tree is built.
 * @typedef {object} Frame
 * @property {InlineNode[]} children
 * @property {string} tag  Of an HTML element; empty for what is no HTML.
 * @property {string} source  Its tag as it is written.
 */

/**
 * @param {Token[]} tokens
 * @param {boolean} isGrowing  What is open at the end will be closed.
 * @returns {InlineNode[]}
 */
export function inlineNodes(tokens, isGrowing) {
  return new InlineBuilder().build(tokens, isGrowing);
}

class InlineBuilder {
  /** @type {Frame[]} */
  #open = [{ children: [], tag: "", source: "" }];

  /**
   * @param {Token[]} tokens
   * @param {boolean} isGrowing
   */
  build(tokens, isGrowing) {
    for (const [index, token] of tokens.entries()) this.#add(token, tokens[index + 1]);
    while (this.#open.length > 1) {
      const frame = this.#pop();
      if (isGrowing) this.#push({ type: "span", tag: frame.tag, children: frame.children });
      else this.#asText(frame);
    }
    return this.#open[0].children;
  }

  /**
   * @param {Token} token
   * @param {Token | undefined} next
   */
  #add(token, next) {
    switch (token.type) {
      case "text":
        return addText(this.#into(), token.content);
      case "html_inline":
        return this.#html(token.content, next);
      case "code_inline":
        return this.#push({ type: "code", text: token.content });
      case "softbreak":
      case "hardbreak":
        return this.#break(next);
      case "math":
        if (!token.meta.isClosed) return addText(this.#into(), token.content);
        return this.#push({ type: "math", ...token.meta });
      case "footnote_ref":
        return this.#push({ type: "footnote", label: token.meta.label });
      case "image": {
        const alt = plainText(inlineNodes(token.children ?? [], false));
        return this.#push({ type: "image", href: String(token.attrGet("src")), alt });
      }
      case "link_open":
        return this.#link(token);
      case "link_close":
        return this.#endLink();
      default:
        if (token.nesting < 0) return this.#end();
        return this.#begin({ type: "span", tag: SPANS[token.type], children: [] });
    }
  }

  #into() {
    return this.#open[this.#open.length - 1].children;
  }

  #pop() {
    return /** @type {Frame} */ (this.#open.pop());
  }

  /** @param {InlineNode} node */
  #push(node) {
    this.#into().push(node);
  }

  /** @param {SpanNode | LinkNode} node */
  #begin(node) {
    const isTooDeep = this.#open.length > DEEPEST;
    if (!isTooDeep) this.#push(node);
    this.#open.push({ children: isTooDeep ? this.#into() : node.children, tag: "", source: "" });
  }

  /** Ends what Markdown's own marks began; tags that were not closed within are text. */
  #end() {
    while (this.#open[this.#open.length - 1].tag) this.#asText(this.#pop());
    this.#open.pop();
  }

  /** @param {Frame} frame */
  #asText(frame) {
    addText(this.#into(), frame.source);
    for (const node of frame.children) {
      if (node.type === "text") addText(this.#into(), node.text);
      else this.#push(node);
    }
  }

  /**
   * @param {string} source
   * @param {Token | undefined} next
   */
  #html(source, next) {
    const tag = readTag(source);
    if (!tag) return addText(this.#into(), source);
    if (tag.name === "br") {
      // A line break of its own behind the tag is the same one.
      return next?.type === "softbreak" ? undefined : this.#push({ type: "break" });
    }
    if (!tag.isEnd) {
      if (this.#open.length > DEEPEST) return addText(this.#into(), source);
      this.#open.push({ children: [], tag: tag.name, source });
      return;
    }
    const floor = this.#open.findLastIndex((frame) => !frame.tag);
    const at = this.#open.findLastIndex((frame) => frame.tag === tag.name);
    if (at <= floor) return addText(this.#into(), source);
    while (this.#open.length - 1 > at) this.#asText(this.#pop());
    this.#push({ type: "span", tag: tag.name, children: this.#pop().children });
  }

  /** @param {Token | undefined} next */
  #break(next) {
    const last = this.#into().at(-1);
    // A display formula has lines of its own.
    if (last?.type === "math" && last.isDisplay) return;
    if (next?.type === "math" && next.meta.isDisplay && next.meta.isClosed) return;
    this.#push({ type: "break" });
  }

  /** @param {Token} token */
  #link(token) {
    const title = String(token.attrGet("title") ?? "");
    const href = String(token.attrGet("href"));
    const { info } = token;
    this.#begin({ type: "link", href, title, isOpen: info === "open", isBare: info === "auto", children: [] });
    this.#labels.push(token.meta?.label ?? "");
  }

  /** @type {string[]} */
  #labels = [];

  #endLink() {
    const label = this.#labels.pop();
    this.#end();
    const link = this.#into().at(-1);
    if (!label || link?.type !== "link") return;
    // `[1]` cites, and keeps its brackets.
    if (/^\d+$/.test(label) && plainText(link.children) === label) {
      link.children = [{ type: "text", text: `[${label}]` }];
    }
  }
}

/**
 * @param {InlineNode[]} nodes
 * @returns {string}
 */
export function plainText(nodes) {
  return nodes.map(plainTextOf).join("");
}

/**
 * @param {InlineNode} node
 * @returns {string}
 */
function plainTextOf(node) {
  switch (node.type) {
    case "text":
    case "code":
      return node.text;
    case "break":
      return " ";
    case "image":
      return node.alt;
    case "math":
      return node.tex;
    case "footnote":
      return "";
    default:
      return plainText(node.children);
  }
}

/**
 * @param {InlineNode[]} nodes
 * @param {string} text
 */
function addText(nodes, text) {
  const last = nodes.at(-1);
  if (last?.type === "text") last.text += text;
  else if (text) nodes.push({ type: "text", text });
}
