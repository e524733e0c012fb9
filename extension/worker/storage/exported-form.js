/**
 * What a conversation looks like in a file: what was said, without what only says how it ran or what only this browser
 * may know.
 */

import { cleanParts } from "../../shared/run-parts.js";
import { isUnfinished } from "../../shared/turn-status.js";
import { agreeing, readableItems } from "./answers.js";
import { lastingBlock, lastingFields } from "./records.js";

/** @import { ConversationSettings, TurnError } from "../../shared/protocol.js" */
/** @import { StoredConversation, StoredTurn } from "./records.js" */

export const FORMAT = "sidestream.conversations";
/** Of a file. Version 1 knew no branches, version 2 no attachments. */
export const VERSION = 3;
/** Rounds of calls that a turn has anyway; see `session/tools.py`. */
const USUAL_CALLS = 25;
/**
 * Fields of an item's `extra` that travel: those that `decode/_extras.py` knows to mean nothing to anybody but their
 * provider.
 */
const EXTRA = new Set([
  ...["reasoning_details", "thinking_blocks", "reasoning_opaque", "reasoning_signature", "reasoning_encrypted_content"],
  ...["encrypted_content", "signature", "extra_content", "provider_specific_fields"],
]);
/** Where Chat Completions have reasoning, and what stood between tags in the text. */
const REASONING_FIELDS = new Set(["reasoning_content", "reasoning", "reasoning_text", "think"]);

/** @typedef {Omit<StoredTurn, "conversation_id" | "active">} ExportedTurn */
/**
 * A conversation in a file. `title` is there only if the user gave it one, `leaf` is the last turn of the branch that
 * is shown. `contents` are those of the turns' attachments.
 * @typedef {{id: string, title?: string, created_at: number, updated_at: number, leaf: string, settings?:
 *   ConversationSettings, turns: ExportedTurn[], contents?: {id: string, content: string}[]}} Exported
 */

/**
 * @param {StoredConversation} conversation
 * @param {StoredTurn[]} turns
 * @param {{id: string, content: string}[]} contents
 * @returns {Exported}
 */
export function asExported({ id, own_title, created_at, updated_at, leaf, settings }, turns, contents) {
  return {
    id,
    ...(own_title === undefined ? {} : { title: own_title }),
    created_at,
    updated_at,
    leaf: turns.some((turn) => turn.id === leaf) && leaf !== undefined ? leaf : turns[turns.length - 1].id,
    ...settingsIn(settings),
    turns: withOwnAttachments(turns.map(travelling), contents),
    ...(contents.length > 0 ? { contents } : {}),
  };
}

/**
 * The user's permissions for tools and hosts, and for more rounds of calls than usual, are given here and do not
 * travel: whoever makes a file must not give them.
 * @param {ConversationSettings | undefined} settings
 */
export function settingsIn({
  tools: _tools,
  network: _network,
  limits: { calls = 0, ...others } = {},
  ...settings
} = {}) {
  const limits = { ...(calls > 0 && calls <= USUAL_CALLS ? { calls } : {}), ...others };
  const travelling = { ...settings, ...(Object.keys(limits).length > 0 ? { limits } : {}) };
  return Object.keys(travelling).length > 0 ? { settings: travelling } : {};
}

/**
 * A turn as it is in a file: what was said. Nothing of how it ran: a turn under way is one that was interrupted.
 * @param {Record<string, any>} turn
 * @returns {ExportedTurn}
 */
export function travelling(turn) {
  const { error, status } = turn;
  const blocks = turn.blocks.map(lastingBlock);
  const isCut = isUnfinished(status);
  const items = readableItems(turn.items ?? []);
  // Where no item says anything, what is shown becomes one: requests hold it then as well.
  const isSilent = !items.some(({ type }) => type === "message");
  const arrived = blocks.filter((/** @type {any} */ block) => isSaid(block) && (isSilent || (isCut && block.open)));
  return /** @type {any} */ ({
    ...lastingFields(turn),
    status: isCut ? "interrupted" : status,
    blocks: blocks.map((/** @type {any} */ block) => ({ ...block, open: false })),
    ...(error ? { error: errorIn(error) } : {}),
    items: [...items.map(itemIn), ...arrived.map(asMessage)],
  });
}

/** @param {any} block */
function isSaid({ kind, text }) {
  return kind === "text" && text !== "";
}

/** @param {any} block */
function asMessage({ text }) {
  return { type: "message", role: "assistant", content: [{ type: "output_text", text }] };
}

/**
 * Turns whose attachments are those of their own file: under the id of one whose content is not in it, another
 * conversation may have something.
 * @param {ExportedTurn[]} turns
 * @param {{id: string}[]} contents
 */
export function withOwnAttachments(turns, contents) {
  const there = new Set(contents.map(({ id }) => id));
  return turns.map((turn) => {
    if (!turn.attachments?.some(({ id }) => !there.has(id))) return turn;
    const attachments = turn.attachments.map((each, at) =>
      there.has(each.id) ? each : { ...each, id: `missing:${turn.id}:${at}` },
    );
    return { ...turn, attachments };
  });
}

/**
 * An error's texts and figures. The exchange with the server, which is kept beside them for a report, stays here.
 * @param {TurnError} error
 */
function errorIn(error) {
  const plain = Object.entries(error).filter(([_, value]) => ["string", "number", "boolean"].includes(typeof value));
  return /** @type {TurnError} */ (Object.fromEntries(plain));
}

/**
 * An item with those fields of the provider's own that are known to be opaque to everybody else. Any others would come
 * into the requests that follow, whatever they say; and so would text under the name of any field.
 * @param {any} item
 */
function itemIn({ extra, field, ...item }) {
  const known =
    typeof extra === "object" && extra !== null && Object.entries(extra).filter(([name]) => EXTRA.has(name));
  return {
    ...item,
    ...(REASONING_FIELDS.has(field) ? { field } : {}),
    ...(known && known.length > 0 ? { extra: Object.fromEntries(known) } : {}),
  };
}

/**
 * A turn of a file, with nothing to show but what a run of code can have, and an answer that is shown as requests hold
 * it.
 * @param {ExportedTurn} turn
 * @returns {ExportedTurn}
 */
export function asShown(turn) {
  const blocks = agreeing(turn.blocks, turn.items ?? []).map((block) => {
    if (!block.shown) return block;
    const { sources } = block.shown;
    return { ...block, shown: { ...cleanParts(block.shown), ...(sources ? { sources } : {}) } };
  });
  return { ...turn, blocks };
}
