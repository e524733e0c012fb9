/**
 * Makes the answers of an imported file safe. An answer has blocks, which are shown, and items, which later requests
 * send. Both have to say the same, and a file's author may have written anything into either.
 */

import { citationsOf, logsOf, toolOf } from "../../shared/turn-items.js";

/** @import { Block } from "../../shared/protocol.js" */

/** Items that are never shown: summaries that only their provider can read, and tools that it has searched for. */
const UNSEEN = new Set([
  ...["compaction", "compaction_summary", "context_compaction"],
  ...["tool_search_call", "tool_search_output"],
]);
const OUTPUTS = new Set(["function_call_output", "custom_tool_call_output"]);
/**
 * The fields of a block that `blocksOf` makes of items. The others (how it ended, its artifacts) are the file's.
 */
const SAID = /** @type {const} */ (["kind", "text", "name", "call_id"]);

/**
 * The items of an answer that may be imported. The outputs of tools are marked as untrusted content.
 * @param {any[]} items
 * @returns {any[]}
 */
export function readableItems(items) {
  return items
    .filter(({ type }) => !UNSEEN.has(type))
    .map((item) => {
      if (item.type === "message") return { ...item, content: partsOf(item.content).filter(isSaid) };
      return OUTPUTS.has(item.type) ? { ...item, output: marked(textOf(item.output)) } : item;
    });
}

/** @param {any} content */
function partsOf(content) {
  return typeof content === "string" ? [{ type: "output_text", text: content }] : (content ?? []);
}

/** @param {any} part */
function isSaid({ type }) {
  return type === "output_text" || type === "refusal";
}

/** @param {any} output  The output of a call. */
function textOf(output) {
  if (typeof output === "string") return output;
  return output
    .map((/** @type {any} */ part) => part.text ?? "")
    .filter(Boolean)
    .join("\n");
}

const OPENING = /^<untrusted source="[^"\n]{0,200}" id="([0-9a-f]{12})">\n/;

/**
 * Puts a text between marks that it cannot end itself, like those of `session/untrusted.py`. A text that is marked
 * already stays as it is.
 * @param {string} text
 */
function marked(text) {
  if (inside(text) !== undefined) return text;
  const harmless = text.replace(/<\/(?=untrusted)/gi, "< /");
  const id = fingerprint(harmless);
  return `<untrusted source="imported file" id="${id}">\n${harmless}\n</untrusted id="${id}">`;
}

/**
 * The text between the marks, if a text is marked as a whole.
 * @param {string} text
 * @returns {string | undefined}
 */
function inside(text) {
  const opening = OPENING.exec(text.slice(0, 300));
  const closing = opening && `\n</untrusted id="${opening[1]}">`;
  if (!opening || !closing || !text.endsWith(closing)) return undefined;
  const inner = text.slice(opening[0].length, text.length - closing.length);
  return /<\/untrusted/i.test(inner) ? undefined : inner;
}

/** A hash of twelve hexadecimal digits. @param {string} text */
function fingerprint(text) {
  let [one, two] = [0x811c9dc5, 0x1000193];
  for (let at = 0; at < text.length; at += 1) {
    one = Math.imul(one ^ text.charCodeAt(at), 0x01000193);
    two = Math.imul(two ^ text.charCodeAt(at), 0x85ebca6b) ^ (one >>> 13);
  }
  return ((one >>> 0).toString(16) + (two >>> 0).toString(16)).padStart(12, "0").slice(-12);
}

/**
 * Makes the blocks of an answer from its items alone.
 * @param {any[]} items  As {@link readableItems} gives them.
 * @returns {Block[]}
 */
function blocksOf(items) {
  /** @type {Block[]} */
  const blocks = [];
  /** Calls without an output. @type {Map<string, Block>} */
  const calls = new Map();
  const add = (/** @type {Block} */ block) => blocks.push(block);
  for (const item of items) {
    const { id } = item;
    const own = id ? { item_id: id } : {};
    if (item.type === "message") {
      const texts = item.content.filter((/** @type {any} */ part) => part.type === "output_text");
      const text = texts.map((/** @type {any} */ part) => part.text ?? "").join("");
      const citations = citationsOf(texts.flatMap((/** @type {any} */ part) => part.annotations ?? []));
      if (text) add({ kind: "text", text, ...own, ...(citations.length > 0 ? { citations } : {}), open: false });
      const refusals = item.content.filter((/** @type {any} */ part) => part.type === "refusal");
      const refusal = refusals.map((/** @type {any} */ part) => part.refusal ?? "").join("");
      if (refusal) add({ kind: "refusal", text: refusal, ...own, open: false });
    } else if (item.type === "reasoning") {
      const parts = [...(item.summary ?? []), ...(item.content ?? [])];
      const text = parts.map((part) => part.text ?? "").join("\n\n");
      if (text) add({ kind: "reasoning", text, ...own, open: false });
    } else if (OUTPUTS.has(item.type)) {
      const output = inside(item.output) ?? item.output;
      const block = calls.get(item.call_id);
      calls.delete(item.call_id);
      if (block) block.output = output;
      else add({ kind: "tool", text: "", name: item.name ?? "tool", call_id: item.call_id, output, open: false });
    } else {
      const tool = toolOf(item);
      if (!tool) continue;
      /** @type {Block} */
      const block = { kind: "tool", text: tool.text, name: tool.name, item_id: tool.item_id, open: false };
      if (tool.call_id) block.call_id = tool.call_id;
      block.status = tool.status ?? "completed";
      const logs = logsOf(item);
      if (logs) block.output = logs;
      add(block);
      if (tool.call_id) calls.set(tool.call_id, block);
    }
  }
  return blocks;
}

/** Identifies a block, whether it is from a file or made from an item. @param {Block} block */
function keyOf(block) {
  return JSON.stringify(SAID.map((name) => block[name] ?? ""));
}

/**
 * The blocks of a file's answer, changed so that they say exactly what its items say. Reasoning and calls without an
 * item, as in an answer that was cut off, are kept, since no request sends them.
 * @param {Block[]} blocks  The file's.
 * @param {any[]} items  As {@link readableItems} gives them.
 * @returns {Block[]}
 */
export function agreeing(blocks, items) {
  const made = blocksOf(items);
  let next = 0;
  const kept = blocks.flatMap((block) => {
    if (next < made.length && keyOf(made[next]) === keyOf(block)) return [merged(block, made[next++])];
    return block.kind === "reasoning" || block.kind === "tool" ? [block] : [];
  });
  if (next === made.length) return kept;
  /** @type {Map<string, Block>} */
  const known = new Map(blocks.map((block) => [keyOf(block), block]));
  return made.map((block) => merged(known.get(keyOf(block)), block));
}

/**
 * @param {Block | undefined} block  The file's.
 * @param {Block} made
 * @returns {Block}
 */
function merged(block, made) {
  if (!block) return made;
  const { output: _, ...own } = block;
  const { output } = made;
  // The fields keep the order of the file, so that exporting again gives the same text.
  if (block.output !== undefined && output !== undefined) return { ...block, output };
  return { ...own, ...(output === undefined ? {} : { output }) };
}
