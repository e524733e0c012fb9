/** A conversation as Markdown, for reading: what was said on the branch that is shown. What takes megabytes is named only. */

import { withShown } from "../tool-results.js";
import { pathOf } from "./database.js";

/** @import { Attachment, Block, Source } from "../protocol.js" */
/** @import { Exported } from "./transfer.js" */

/** @param {Exported} exported @param {string} title */
export function asMarkdown({ created_at, leaf, turns }, title) {
  const parts = [`# ${title}`, `*${new Date(created_at).toLocaleString()}*`];
  for (const { kind, user, attachments = [], model, blocks, items, error } of pathOf(turns, leaf)) {
    if (kind === "compaction") parts.push("## Summary");
    else parts.push("## You", ...attachments.map(attached), user, model ? `## Assistant (${model})` : "## Assistant");
    parts.push(...withShown(blocks, items).flatMap(said));
    if (error) parts.push(`*${error.message}*`);
  }
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}

/** @param {Attachment} attachment */
function attached({ kind, title, url }) {
  const name = inOneLine(title);
  return `*Attached ${kind}: ${url ? `${name} (${url})` : name}*`;
}

/** @param {Block} block @returns {string[]} */
function said({ kind, text, name, citations = [], shown = {} }) {
  if (kind === "tool") {
    const { figures = [], files = [], sources = [] } = shown;
    const tables = figures.filter(({ type }) => type === "html").length;
    const pictures = figures.length - tables;
    const gave = [...counted(pictures, "picture"), ...counted(tables, "table"), ...counted(files.length, "file")];
    const line = `*Tool: ${[name ?? "tool", ...gave].join(", ")}*`;
    return [line, ...sourcesOf(sources)];
  }
  return kind === "reasoning" ? [] : [text, ...sourcesOf(citations)];
}

/** @param {number} count @param {string} what */
function counted(count, what) {
  return count > 0 ? [`${count} ${what}${count > 1 ? "s" : ""}`] : [];
}

/** @param {Source[]} sources */
function sourcesOf(sources) {
  if (sources.length === 0) return [];
  const lines = sources.map(({ url = "", title = "" }) => {
    const name = inOneLine(title).replace(/[\\[\]]/g, "\\$&");
    if (!/^https?:/i.test(url)) return `- ${name || url}`;
    return name ? `- [${name}](<${url.replace(/[<>\s]/g, encodeURIComponent)}>)` : `- <${url}>`;
  });
  return [["Sources:", "", ...lines].join("\n")];
}

/** @param {string} text */
function inOneLine(text) {
  return text.replace(/\s+/g, " ").trim();
}
