/**
 * What a finished item of an answer shows: the text of a tool call, what code printed, and the sources that are cited.
 */

import { hasText } from "./plain.js";

/** @import {Block, Source} from "./protocol.js" */

/**
 * What code printed that ran at the provider.
 * @param {Record<string, any>} item
 * @returns {string}
 */
export function logsOf({ type, outputs }) {
  if (type !== "code_interpreter_call") return "";
  const logs = (outputs ?? []).map((/** @type {any} */ part) => part?.logs);
  return logs.filter((/** @type {unknown} */ log) => hasText(log)).join("\n");
}

/** So many sources of one text are named, as in `session/blocks.py`. */
const MAX_CITATIONS = 500;
/** By what the sources of a text are known. @type {WeakMap<Source[], Set<string>>} */
const knownSources = new WeakMap();

/**
 * Adds sources that are not named yet, up to `MAX_CITATIONS`. The list is another one afterwards if there were any.
 * @param {Block} block
 * @param {Source[]} citations
 */
export function addCitations(block, citations) {
  const before = block.citations ?? [];
  const known = knownSources.get(before) ?? new Set(before.map(knownBy));
  const added = [];
  for (const citation of citations) {
    if (known.size >= MAX_CITATIONS) break;
    if (known.has(knownBy(citation))) continue;
    known.add(knownBy(citation));
    added.push(citation);
  }
  if (added.length > 0) block.citations = before.concat(added);
  if (block.citations) knownSources.set(block.citations, known);
}

/** @param {Source} source */
function knownBy({ url, title }) {
  return url === undefined ? `file ${title}` : `page ${url}`;
}

/**
 * @param {any[]} annotations  As the Responses API writes them, or with the citation one level down as Chat Completions
 *   does.
 * @returns {Source[]}
 */
export function citationsOf(annotations) {
  /** @type {Source[]} */
  const found = [];
  for (const annotation of annotations) {
    const { url, title } = annotation?.url_citation ?? annotation ?? {};
    if (hasText(url)) found.push(hasText(title) ? { url, title } : { url });
    else if (hasText(annotation?.filename)) found.push({ title: annotation.filename });
  }
  return found;
}

/**
 * @param {string} type  An item type such as `web_search_call`.
 * @returns {string}
 */
export function builtInName(type) {
  return type.replace(/_call$/, "");
}

/**
 * What to show of a tool call; undefined for items that are none.
 * @param {Record<string, any>} item
 */
export function toolOf(item) {
  if (!/_call$/.test(item.type)) return undefined;
  const { action } = item;
  const text =
    item.arguments ??
    item.input ??
    item.code ??
    action?.query ??
    action?.queries ??
    action?.command ??
    action?.url ??
    item.revised_prompt ??
    item.queries;
  return {
    name: item.name || builtInName(item.type),
    text: asText(text),
    item_id: item.id || item.call_id || "",
    call_id: item.call_id || undefined,
    status: item.status || undefined,
  };
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function asText(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((part) => typeof part === "string")) return value.join(" ");
  return JSON.stringify(value);
}
