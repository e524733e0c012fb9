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
import { localisedError } from "../../shared/python-text.js";
import { language, list, plural, text } from "../../shared/text.js";
import { withShown } from "../../shared/tool-results.js";
import MarkdownIt from "../../vendor/markdown-it.js";
import { pathOf } from "./branches.js";

/** @import { Attachment, Block, Source } from "../../shared/protocol.js" */
/** @import { MessageKey, PluralKey } from "../../shared/text.js" */
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
  const parts = [
    `# ${escaped(title) || text("list_untitled")}`,
    `*${new Date(created_at).toLocaleString(language())}*`,
  ];
  for (const { kind, user, attachments = [], model, blocks, items, error } of pathOf(turns, leaf)) {
    if (kind === "compaction") parts.push(text("export_summary"));
    else {
      const name = model ? text("export_assistant_model", escaped(model)) : text("export_assistant");
      parts.push(text("export_you"), ...attachments.map(attached), asPart(user), name);
    }
    parts.push(...withShown(blocks, items).flatMap(said));
    if (error) parts.push(`*${escaped(localisedError(error).message)}*`);
  }
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

/**
 * What somebody wrote, as a part of the file: nothing of it stays open, and its headings stand below that of its turn.
 * @param {string} markdown
 */
function asPart(markdown) {
  try {
    return readPart(markdown);
  } catch (error) {
    // What cannot be read is shown as it is, and the rest of the conversation after it.
    logError("A markdown cannot be exported as Markdown:", error);
    return fenced(markdown);
  }
}

/** @param {string} markdown */
function readPart(markdown) {
  const closed = closeOpen(markdown.trimEnd());
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

/** @param {string} markdown */
function fenced(markdown) {
  const longest = Math.max(2, longestRun(markdown));
  const fence = "`".repeat(longest + 1);
  return [fence, markdown, fence].join("\n");
}

/** @type {Record<Attachment["kind"], MessageKey>} */
const ATTACHED = {
  page: "export_attached_page",
  selection: "export_attached_selection",
  image: "export_attached_image",
  text: "export_attached_text",
};

/** @param {Attachment} attachment */
function attached({ kind, title, url }) {
  const name = escaped(title);
  return text(ATTACHED[kind], url ? `${name} (${addressOf(url)})` : name);
}

/** @param {Block} block @returns {string[]} */
function said({ kind, text: own, name, citations = [], shown = {} }) {
  if (kind === "tool") {
    const { figures = [], files = [], sources = [] } = shown;
    const tables = figures.filter(({ type }) => type === "html").length;
    const pictures = figures.length - tables;
    const gave = [
      ...counted(pictures, "export_images"),
      ...counted(tables, "export_tables"),
      ...counted(files.length, "export_files"),
    ];
    return [text("export_tool", list([escaped(name ?? "tool"), ...gave])), ...sourcesOf(sources)];
  }
  return kind === "reasoning" ? [] : [asPart(own), ...sourcesOf(citations)];
}

/** @param {number} count @param {PluralKey} what */
function counted(count, what) {
  return count > 0 ? [plural(what, count)] : [];
}

/** @param {Source[]} sources */
function sourcesOf(sources) {
  if (sources.length === 0) return [];
  const lines = sources.map(({ url = "", title = "" }) => {
    const name = escaped(title);
    if (!/^https?:/i.test(url)) return `- ${name || escaped(url)}`;
    return name ? `- [${name}](<${addressOf(url)}>)` : `- <${addressOf(url)}>`;
  });
  return [[text("export_sources"), "", ...lines].join("\n")];
}

/** Without what would end a link, or emphasis around it. @param {string} url */
function addressOf(url) {
  return url.replace(/[<>\s*`\\]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** A text on one line in which nothing means anything to Markdown. @param {string} label */
function escaped(label) {
  return label
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[\\`*[\]<>|~$]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|&(?=#?\w+;)|#(?=#*$)/gu, "\\$&");
}
