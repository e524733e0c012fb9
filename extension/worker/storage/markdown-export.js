/**
 * A conversation as Markdown, for reading: what was said on the branch that is shown. What takes megabytes is named
 * only.
 *
 * The headings of the first two levels are the file's own: the conversation, and who speaks. Headings in what was said
 * are two levels deeper, so that the outline that editors make of a file is that of the conversation. Apart from that,
 * and from the ends of what was left open, what was said stays as it was written.
 */

import { logError } from "../../shared/log.js";
import { closeOpen, OpenTags } from "../../shared/markdown/close.js";
import { longestRun } from "../../shared/markdown/fences.js";
import { withShown } from "../../shared/tool-results.js";
import MarkdownIt from "../../vendor/markdown-it.js";
import { pathOf } from "./branches.js";

/** @import { Attachment, Block, Source } from "../../shared/protocol.js" */
/** @import { Exported } from "./exported-form.js" */

/** As other programs read the file. */
const reader = new MarkdownIt({ html: true });
/** Of the file, above what was said. */
const OWN_LEVELS = 2;
/** Elements that take in all that follows, in a page made of the file, until they are closed. */
const TAKING =
  /^(?:a|abbr|article|aside|b|big|blockquote|button|center|code|del|details|dialog|div|dl|em|figure|font|footer|form|h[1-6]|header|i|iframe|ins|kbd|label|main|mark|math|nav|noembed|noframes|noscript|object|ol|pre|q|s|samp|script|section|select|small|span|strike|strong|style|sub|summary|sup|svg|table|template|textarea|title|tt|u|ul|var|video|audio|xmp)$/;

/** @param {Exported} exported @param {string} title */
export function asMarkdown({ created_at, leaf, turns }, title) {
  const parts = [`# ${escaped(title) || "Untitled"}`, `*${new Date(created_at).toLocaleString()}*`];
  for (const { kind, user, attachments = [], model, blocks, items, error } of pathOf(turns, leaf)) {
    if (kind === "compaction") parts.push("## Summary");
    else {
      const name = model ? `## Assistant (${escaped(model)})` : "## Assistant";
      parts.push("## You", ...attachments.map(attached), asPart(user), name);
    }
    parts.push(...withShown(blocks, items).flatMap(said));
    if (error) parts.push(`*${escaped(error.message)}*`);
  }
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

/**
 * What somebody wrote, as a part of the file: nothing of it stays open, and its headings stand below that of its turn.
 * @param {string} text
 */
function asPart(text) {
  try {
    return readPart(text);
  } catch (error) {
    // What cannot be read is shown as it is, and the rest of the conversation after it.
    logError("A text cannot be exported as Markdown:", error);
    return fenced(text);
  }
}

/** @param {string} text */
function readPart(text) {
  const closed = closeOpen(text.trimEnd());
  const tokens = reader.parse(`${closed}\n\n# END`, {});
  const isClosed = tokens.at(-2)?.content === "END" && tokens.at(-3)?.level === 0;
  // It is open in a way that nobody thought of: it is shown as it is.
  if (!isClosed) return fenced(closed);
  const lines = closed.split("\n");
  const open = new OpenTags();
  for (const [index, { type, level, map, tag, markup, content, children }] of tokens.slice(0, -3).entries()) {
    if (type === "html_block") follow(content, open);
    for (const child of children ?? []) if (child.type === "html_inline") follow(child.content, open);
    if (type !== "heading_open" || level > 0 || !map) continue;
    const [begin, end] = map;
    const marks = "#".repeat(Math.min(Number(tag.slice(1)) + OWN_LEVELS, 6));
    if (markup.startsWith("#")) lines[begin] = lines[begin].replace(/#+/, marks);
    else {
      lines[begin] = `${marks} ${tokens[index + 1].content.replace(/\s*\n\s*/g, " ")}`;
      for (let line = begin + 1; line < end; line += 1) lines[line] = "";
    }
  }
  if (open.closing) lines.push("", open.closing);
  return lines.join("\n").trimEnd();
}

/**
 * Keeps account of the elements that are open.
 * @param {string} html
 * @param {OpenTags} open
 */
function follow(html, open) {
  for (const [, isEnd, tag] of html
    .replace(/<!--[\s\S]*?-->/g, "")
    .matchAll(/<(\/?)([a-z][a-z0-9]*)\b(?:"[^"]*"|'[^']*'|[^'">])*>/gi)) {
    const name = tag.toLowerCase();
    if (!TAKING.test(name)) continue;
    if (isEnd) open.close(name);
    else open.open(name);
  }
}

/** @param {string} text */
function fenced(text) {
  const longest = Math.max(2, longestRun(text));
  const fence = "`".repeat(longest + 1);
  return [fence, text, fence].join("\n");
}

/** @param {Attachment} attachment */
function attached({ kind, title, url }) {
  const name = escaped(title);
  return `*Attached ${kind === "text" ? "pasted text" : kind}: ${url ? `${name} (${addressOf(url)})` : name}*`;
}

/** @param {Block} block @returns {string[]} */
function said({ kind, text, name, citations = [], shown = {} }) {
  if (kind === "tool") {
    const { figures = [], files = [], sources = [] } = shown;
    const tables = figures.filter(({ type }) => type === "html").length;
    const pictures = figures.length - tables;
    const gave = [...counted(pictures, "picture"), ...counted(tables, "table"), ...counted(files.length, "file")];
    const line = `*Tool: ${[escaped(name ?? "tool"), ...gave].join(", ")}*`;
    return [line, ...sourcesOf(sources)];
  }
  return kind === "reasoning" ? [] : [asPart(text), ...sourcesOf(citations)];
}

/** @param {number} count @param {string} what */
function counted(count, what) {
  return count > 0 ? [`${count} ${what}${count > 1 ? "s" : ""}`] : [];
}

/** @param {Source[]} sources */
function sourcesOf(sources) {
  if (sources.length === 0) return [];
  const lines = sources.map(({ url = "", title = "" }) => {
    const name = escaped(title);
    if (!/^https?:/i.test(url)) return `- ${name || escaped(url)}`;
    return name ? `- [${name}](<${addressOf(url)}>)` : `- <${addressOf(url)}>`;
  });
  return [["Sources:", "", ...lines].join("\n")];
}

/** Without what would end a link, or emphasis around it. @param {string} url */
function addressOf(url) {
  return url.replace(/[<>\s*`\\]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** A text on one line in which nothing means anything to Markdown. @param {string} text */
function escaped(text) {
  return text
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[\\`*[\]<>|~$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|&(?=#?\w+;)|#(?=#*$)/gu, "\\$&");
}
