/**
 * Markdown as DOM nodes, built from marked's tokens and never from an HTML string. What a model writes is untrusted:
 * raw HTML is shown as text, links go to http, https and mailto only, images load after a click.
 */

import { Lexer } from "../vendor/marked.js";
import { el } from "./dom.js";
import { decodeEntities } from "./entities.js";

/**
 * A token of marked's. Its types differ per kind; the fields that are read here are checked by the kind.
 * @typedef {{type: string, raw: string} & Record<string, any>} Token
 */

/**
 * Link definitions by normalised label, as marked keeps them.
 * @typedef {Record<string, {href: string, title?: string | null}>} Links
 */

/**
 * Splits Markdown into block tokens, with their inline tokens inside. Definitions that the source holds are added to
 * `links`.
 * @param {string} source
 * @param {Links} links
 * @returns {Token[]}
 */
export function lex(source, links) {
  const lexer = new Lexer({ gfm: true });
  lexer.tokens.links = links;
  return [...lexer.lex(source)];
}

/**
 * The nodes of one block; none for blank lines and link definitions.
 * @param {Token} token
 * @returns {HTMLElement | null}
 */
export function buildBlock(token) {
  switch (token.type) {
    case "paragraph":
    case "text":
      return el("p", {}, ...buildInline(token.tokens ?? [{ type: "text", raw: token.raw, text: token.text }]));
    case "heading":
      // The page has headings of its own above the answer's.
      return el(headingTag(token.depth), { class: `md-h${token.depth}` }, ...buildInline(token.tokens));
    case "code":
      return buildCode(token.text, languageOf(token)).root;
    case "list": {
      const list = buildList(token);
      list.append(...token.items.map(buildItem));
      return list;
    }
    case "table": {
      const { root, body } = buildTable(token);
      body.append(...token.rows.map(buildRow));
      return root;
    }
    case "blockquote":
      return el("blockquote", {}, ...buildBlocks(token.tokens));
    case "hr":
      return el("hr");
    case "html":
      return el("p", { class: "md-html" }, token.text.trim());
    case "space":
    case "def":
    case "checkbox":
      return null;
    default:
      return el("p", {}, token.raw);
  }
}

/**
 * @param {Token[]} tokens
 * @returns {HTMLElement[]}
 */
function buildBlocks(tokens) {
  return tokens.map(buildBlock).filter((node) => node !== null);
}

/**
 * A code block and the element that holds its text.
 * @param {string} text
 * @param {string} language
 * @returns {{root: HTMLElement, code: HTMLElement}}
 */
export function buildCode(text, language) {
  const code = el("code", language ? { "data-language": language } : {}, text.replace(/\n+$/, ""));
  const root = el(
    "div",
    { class: "code" },
    el(
      "div",
      { class: "code-head" },
      el("span", { class: "code-language" }, language || "text"),
      el("button", { type: "button", class: "quiet", "data-action": "copy-code" }, "Copy"),
    ),
    el("pre", { tabindex: "0" }, code),
  );
  return { root, code };
}

/**
 * The first word after the fence.
 * @param {Token} token
 * @returns {string}
 */
export function languageOf(token) {
  return decodeEntities((token.lang ?? "").trim().split(/\s+/, 1)[0]).slice(0, 40);
}

/**
 * An empty list. `loose` only changes the distance between the items, so that finished items need not be built again
 * when a later blank line makes their list loose.
 * @param {Token} token
 * @returns {HTMLElement}
 */
export function buildList(token) {
  const start = token.ordered && token.start !== 1 ? token.start : undefined;
  return el(token.ordered ? "ol" : "ul", { start, class: token.loose && "loose" });
}

/**
 * @param {Token} item
 * @returns {HTMLElement}
 */
export function buildItem(item) {
  const blocks = buildBlocks(item.tokens);
  if (!item.task) return el("li", {}, ...blocks);
  const box = el("input", {
    type: "checkbox",
    disabled: true,
    checked: Boolean(item.checked),
    "aria-label": item.checked ? "Done" : "To do",
  });
  const first = blocks[0];
  if (first?.tagName === "P") first.prepend(box, " ");
  else blocks.unshift(el("p", {}, box));
  return el("li", { class: "task" }, ...blocks);
}

/**
 * A table without rows, and where they go.
 * @param {Token} token
 * @returns {{root: HTMLElement, body: HTMLElement}}
 */
export function buildTable(token) {
  const body = el("tbody");
  const table = el("table", {}, el("thead", {}, buildRow(token.header)), body);
  const root = el("div", { class: "table", tabindex: "0", role: "group", "aria-label": "Table" }, table);
  return { root, body };
}

/**
 * @param {Token[]} cells
 * @returns {HTMLElement}
 */
export function buildRow(cells) {
  const nodes = cells.map((cell) =>
    el(cell.header ? "th" : "td", { class: cell.align && `align-${cell.align}` }, ...buildInline(cell.tokens)),
  );
  return el("tr", {}, ...nodes);
}

/**
 * @param {Token[]} tokens
 * @returns {(Node | string)[]}
 */
function buildInline(tokens) {
  return tokens.flatMap((token) => buildSpan(token));
}

/**
 * @param {Token} token
 * @returns {(Node | string)[]}
 */
function buildSpan(token) {
  switch (token.type) {
    case "text":
    case "escape":
      if (token.tokens) return buildInline(token.tokens);
      return [decodeEntities(token.text)];
    case "strong":
    case "em":
    case "del":
      return [el(token.type, {}, ...buildInline(token.tokens))];
    case "codespan":
      return [el("code", {}, token.text)];
    case "br":
      return [el("br")];
    case "link":
      return buildLink(token);
    case "image":
      return [buildImage(token)];
    case "html":
      // The one tag that models use where Markdown has no other way: a line break inside a table cell.
      return [/^<br\s*\/?>$/i.test(token.text) ? el("br") : token.text];
    case "checkbox":
      return [];
    default:
      return [token.raw];
  }
}

/**
 * @param {Token} token
 * @returns {(Node | string)[]}
 */
function buildLink(token) {
  const url = safeUrl(decodeEntities(token.href), ["http:", "https:", "mailto:"]);
  const children = buildInline(token.tokens);
  if (!url) return children;
  const title = token.title ? decodeEntities(token.title) : url.href;
  return [el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", title }, ...children)];
}

/**
 * A button in the image's place: loading an image tells its server that, and when, this answer was read.
 * @param {Token} token
 * @returns {Node}
 */
function buildImage(token) {
  const alt = decodeEntities(token.text || "image");
  const url = safeUrl(decodeEntities(token.href), ["http:", "https:"]);
  if (!url) return el("span", { class: "md-image-refused" }, `[${alt}]`);
  return el(
    "button",
    { type: "button", class: "md-image", "data-action": "show-image", "data-src": url.href, "data-alt": alt },
    el("span", {}, `Show image: ${alt}`),
    " ",
    el("small", {}, url.host),
  );
}

/**
 * @param {string} href
 * @param {string[]} protocols
 * @returns {URL | null}
 */
export function safeUrl(href, protocols) {
  try {
    const url = new URL(href);
    return protocols.includes(url.protocol) ? url : null;
  } catch {
    return null; // Relative, or not a URL: there is no page that it could belong to.
  }
}

/**
 * @param {number} depth
 * @returns {"h3" | "h4" | "h5" | "h6"}
 */
function headingTag(depth) {
  return /** @type {"h3"} */ (`h${Math.min(depth + 2, 6)}`);
}
