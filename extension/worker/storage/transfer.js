/** Conversations as files: JSON that can be imported again (the format stands in `docs/storage.md`), or Markdown. */

import { UserError } from "../../shared/errors.js";
import { logError } from "../../shared/log.js";
import { isId, isShallow, isText, isTime, makePlain } from "../../shared/plain.js";
import { cleanParts } from "../../shared/run-parts.js";
import { contentsOf, isContent, putContents } from "../../shared/storage/attachments.js";
import { database, write } from "../../shared/storage/database.js";
import { inOneLine } from "../../shared/storage/migrations.js";
import { cutTo, titleOfTurn } from "../../shared/titles.js";
import { isUnfinished } from "../../shared/turn-status.js";
import { agreeing, readableItems } from "./answers.js";
import { isCircular } from "./branches.js";
import { removeFrom, shownConversations, titleFor } from "./conversation-list.js";
import { turnsIn, turnsOfConversation } from "./conversation-store.js";
import { asMarkdown } from "./markdown-export.js";
import { lastingBlock, lastingFields, RECORD_VERSION, readConversation, readSettings, wrongIn } from "./records.js";
import { indexMissing } from "./search-index.js";

/** @import { Brought, ConversationSettings, TurnError } from "../../shared/protocol.js" */
/** @import { StoredConversation, StoredTurn } from "./records.js" */

const FORMAT = "sidestream.conversations";
/** Of a file. Version 1 knew no branches, version 2 no attachments. */
const VERSION = 3;
/** Where a file ends and another one begins: Chrome carries messages of up to 64 MiB. */
const FILE_LENGTH = 12_000_000;

/** An import of so many conversations waits for the index of what it brought, so long. */
const INDEXED_AT_ONCE = 20;
const INDEXED_WITHIN_MS = 2_000;
/** The box in which the user writes one takes no more. */
const LONGEST_TITLE = 200;
/** Of a title in a file's name, as people count them. */
const NAME_LENGTH = 50;

/** Rounds of calls that a turn has anyway; see `session/tools.py`. */
const USUAL_CALLS = 25;
/** Fields of an item's `extra` that travel: those that `decode/_extras.py` knows to mean nothing to anybody but their provider. */
const EXTRA = new Set([
  ...["reasoning_details", "thinking_blocks", "reasoning_opaque", "reasoning_signature", "reasoning_encrypted_content"],
  ...["encrypted_content", "signature", "extra_content", "provider_specific_fields"],
]);
/** Where Chat Completions have reasoning, and what stood between tags in the text. */
const REASONING_FIELDS = new Set(["reasoning_content", "reasoning", "reasoning_text", "think"]);

/** @typedef {Omit<StoredTurn, "conversation_id" | "active">} ExportedTurn */
/**
 * A conversation in a file. `title` is there only if the user gave it one, `leaf` is the last turn of the branch that is shown. `contents`
 * are those of the turns' attachments.
 * @typedef {{id: string, title?: string, created_at: number, updated_at: number, leaf: string, settings?: ConversationSettings,
 *   turns: ExportedTurn[], contents?: {id: string, content: string}[]}} Exported
 */

/**
 * @param {{ids?: string[], format: "json" | "markdown", from?: number}} request  Without ids: all; `from` is the `next` of an earlier answer.
 * @returns {Promise<{files: {name: string, text: string}[], next?: number, unreadable?: number}>}  `unreadable`: how many are in no file, since nothing
 *   of them can be read.
 */
export async function exportConversations({ ids, format, from = 0 }) {
  const stored = await shownConversations();
  const chosen = ids ? stored.filter(({ id }) => ids.includes(id)) : stored;
  if (chosen.length === 0) throw new UserError("invalid_request", "There is no conversation to export.");
  chosen.sort((a, b) => a.created_at - b.created_at || (a.id < b.id ? -1 : 1));
  const isJson = format === "json";
  const parts = [];
  let length = 0;
  let next = from;
  let unreadable = 0;
  for (; next < chosen.length && (parts.length === 0 || length < FILE_LENGTH); next += 1) {
    try {
      const part = isJson ? await asJson(chosen[next]) : await asText(chosen[next]);
      parts.push(part);
      length += part.length;
    } catch (error) {
      // The others are exported all the same.
      logError("A conversation cannot be exported:", error);
      unreadable += 1;
    }
  }
  const more = { ...(next < chosen.length ? { next } : {}), ...(unreadable > 0 ? { unreadable } : {}) };
  if (parts.length === 0) return { files: [], ...more };
  const head = `{"format": "${FORMAT}", "version": ${VERSION}, "conversations": [\n`;
  const text = isJson ? `${head}${parts.join(",\n")}\n]}\n` : parts.join("\n---\n\n");
  const name = fileName(chosen, from) + (isJson ? ".json" : ".md");
  return { files: [{ name, text }], ...more };
}

/** @param {StoredConversation} conversation */
async function asJson(conversation) {
  const db = await database();
  const turns = await turnsOfConversation(conversation.id);
  const contents = await contentsOf({ get: (key) => db.get("attachments", key) }, conversation.id, turns);
  return JSON.stringify(asExported(conversation, turns, contents), null, 1);
}

/** @param {StoredConversation} conversation */
async function asText(conversation) {
  const exported = asExported(conversation, await turnsOfConversation(conversation.id), []);
  return asMarkdown(exported, titleFor(conversation));
}

/**
 * A name that every system takes: letters and digits in one form, whole characters, and not long in bytes either.
 * @param {StoredConversation[]} chosen
 * @param {number} from
 */
function fileName(chosen, from) {
  const title = chosen.length === 1 ? titleFor(chosen[0]) : "conversations";
  const safe = title
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
  return [
    "sidestream",
    cutTo(safe, NAME_LENGTH)
      .slice(0, 2 * NAME_LENGTH)
      .toWellFormed(),
    from || "",
  ]
    .filter(Boolean)
    .join("-")
    .replace(/-?\uFFFD?$/, "");
}

/**
 * @param {StoredConversation} conversation
 * @param {StoredTurn[]} turns
 * @param {{id: string, content: string}[]} contents
 * @returns {Exported}
 */
function asExported({ id, own_title, created_at, updated_at, leaf, settings }, turns, contents) {
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
 * The user's permissions for tools and hosts, and for more rounds of calls than usual, are given here and do not travel: whoever makes a file must
 * not give them.
 * @param {ConversationSettings | undefined} settings
 */
function settingsIn({ tools: _tools, network: _network, limits: { calls = 0, ...others } = {}, ...settings } = {}) {
  const limits = { ...(calls > 0 && calls <= USUAL_CALLS ? { calls } : {}), ...others };
  const travelling = { ...settings, ...(Object.keys(limits).length > 0 ? { limits } : {}) };
  return Object.keys(travelling).length > 0 ? { settings: travelling } : {};
}

/**
 * A turn as it is in a file: what was said. Nothing of how it ran: a turn under way is one that was interrupted.
 * @param {Record<string, any>} turn
 * @returns {ExportedTurn}
 */
function travelling(turn) {
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
 * Turns whose attachments are those of their own file: under the id of one whose content is not in it, another conversation may have something.
 * @param {ExportedTurn[]} turns
 * @param {{id: string}[]} contents
 */
function withOwnAttachments(turns, contents) {
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
 * An item with those fields of the provider's own that are known to be opaque to everybody else. Any others would come into the requests that
 * follow, whatever they say; and so would text under the name of any field.
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
 * A turn of a file, with nothing to show but what a run of code can have, and an answer that is shown as requests hold it.
 * @param {ExportedTurn} turn
 * @returns {ExportedTurn}
 */
function asShown(turn) {
  const blocks = agreeing(turn.blocks, turn.items ?? []).map((block) => {
    if (!block.shown) return block;
    const { sources } = block.shown;
    return { ...block, shown: { ...cleanParts(block.shown), ...(sources ? { sources } : {}) } };
  });
  return { ...turn, blocks };
}

/**
 * Take the conversations of an exported file in; none if anything is wrong with it. What is there already is skipped; what is there with another
 * content stays, and the file's becomes a conversation of its own. Each is written by itself, so that what others write in the meantime need not
 * wait for all; after a disk that was full the same file brings the rest.
 * @param {string} text
 * @param {"with" | "without"} [instructions]  The user's word on what the file brings that changes how the model answers. Where there is such a thing
 *   and no word on it, nothing is imported, and the answer says in `brings` what it is.
 * @returns {Promise<{imported: number, skipped: number, brings?: Brought[]}>}
 */
export async function importConversations(text, instructions) {
  const all = parse(text);
  if (instructions === undefined) {
    const brings = await broughtBy(all);
    if (brings.length > 0) return { imported: 0, skipped: 0, brings };
  }
  const conversations = instructions === "without" ? all.map(withoutBrought) : all;
  let imported = 0;
  for (const exported of conversations) if (await importOne(exported)) imported += 1;
  const indexed = indexMissing();
  // A few conversations can be found at once; the list says when it has not seen all.
  if (imported <= INDEXED_AT_ONCE) {
    await Promise.race([indexed, new Promise((resolve) => setTimeout(resolve, INDEXED_WITHIN_MS))]);
  }
  return { imported, skipped: conversations.length - imported };
}

/** What the user sees before it takes effect. */
const BROUGHT = /** @type {const} */ (["instructions", "profile", "vector_stores"]);

/**
 * @param {Exported[]} conversations
 * @returns {Promise<Brought[]>}  Of those that are not here yet.
 */
async function broughtBy(conversations) {
  const bringing = conversations.filter(({ settings = {} }) => BROUGHT.some((name) => settings[name] !== undefined));
  const here = await Promise.all(bringing.map(isHere));
  return bringing
    .filter((_, at) => !here[at])
    .map(({ title, turns, settings = {} }) => ({
      title: title ?? titleOfTurn(turns[0]),
      ...Object.fromEntries(
        BROUGHT.filter((name) => settings[name] !== undefined).map((name) => [name, settings[name]]),
      ),
    }));
}

/** @param {Exported} exported @returns {Exported} */
function withoutBrought({ settings, ...exported }) {
  const others = Object.entries(settings ?? {}).filter(([name]) => !BROUGHT.some((each) => each === name));
  return { ...exported, ...(others.length > 0 ? { settings: Object.fromEntries(others) } : {}) };
}

/** @param {Exported} exported */
async function isHere(exported) {
  const transaction = (await database()).transaction(["conversations", "turns", "attachments"]);
  const there = await transaction.objectStore("conversations").get(exported.id);
  return there !== undefined && !there.deleted_at && isSame(exported, there, transaction);
}

/** @param {Exported} exported @returns {Promise<boolean>}  False when it was there. */
function importOne(exported) {
  return write(["conversations", "turns", "attachments", "drafts", "texts", "search"], async (transaction) => {
    const store = transaction.objectStore("conversations");
    const turns = transaction.objectStore("turns");
    /** @type {StoredConversation | undefined} */
    let there = await store.get(exported.id);
    if (there?.deleted_at) {
      await removeFrom(transaction, exported.id);
      there = undefined;
    }
    if (there && (await isSame(exported, there, transaction))) return false;
    const id = there ? crypto.randomUUID() : exported.id;
    await Promise.all([
      store.put(asStored(exported, id)),
      ...exported.turns.map((turn) => turns.put({ ...turn, conversation_id: id })),
      putContents(transaction, id, exported.contents ?? []),
    ]);
    return true;
  });
}

/**
 * @param {Exported} exported
 * @param {StoredConversation} stored
 * @param {import("idb").IDBPTransaction<any, string[], "readonly" | "readwrite">} transaction
 */
async function isSame(exported, stored, transaction) {
  const turns = await turnsIn(transaction.objectStore("turns"), stored.id);
  if (turns.length === 0) return false;
  const contents = await contentsOf(transaction.objectStore("attachments"), stored.id, turns);
  return JSON.stringify(exported) === JSON.stringify(asExported(readConversation(stored), turns, contents));
}

/** @param {Exported} exported @param {string} id @returns {StoredConversation} */
function asStored({ title, created_at, updated_at, leaf, settings, turns }, id) {
  return {
    id,
    created_at,
    updated_at,
    title: titleOfTurn(turns[0]),
    turns: turns.length,
    leaf,
    ...(settings === undefined ? {} : { settings }),
    ...(title === undefined ? {} : { own_title: title }),
  };
}

/**
 * What a file holds, checked field by field.
 * @param {string} text
 * @returns {Exported[]}
 */
function parse(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw unreadable("It is no JSON, or only a part of a file.");
  }
  if (data?.format !== FORMAT || !Array.isArray(data.conversations)) {
    throw unreadable("Only JSON files that Sidestream has exported can be imported.");
  }
  if (![1, 2, VERSION].includes(data.version))
    throw unreadable("It was written by another version of Sidestream.", "Update Sidestream.");
  if (data.conversations.length === 0) throw unreadable("It holds no conversations.");
  makePlain(data);
  return data.conversations.map(checked);
}

/** @param {any} conversation @param {number} index @returns {Exported} */
function checked(conversation, index) {
  const place = `Conversation ${index + 1} of the file`;
  const { id, title, created_at, updated_at, turns } = conversation ?? {};
  const isTitle = title === undefined || (isText(title) && title !== "");
  if (!isId(id) || !isTitle || !isTime(created_at) || !isTime(updated_at)) {
    throw unreadable(`${place} has no proper id, title or times.`);
  }
  if (!Array.isArray(turns) || turns.length === 0) throw unreadable(`${place} has no messages.`);
  for (const [at, turn] of turns.entries()) {
    const wrong = wrongIn(turn) ?? foreignIn(turn) ?? (at > 0 && turn.position <= turns[at - 1].position && "position");
    if (wrong)
      throw unreadable(`${place} is damaged at message ${at + 1}: its “${wrong}” is not what Sidestream writes.`);
  }
  const ids = new Set(turns.map((turn) => turn.id));
  if (ids.size < turns.length) throw unreadable(`${place} has a message twice.`);
  const line = turns.every((turn) => turn.version === 1) ? inOneLine(turns) : turns;
  const { leaf = line[line.length - 1].id } = conversation;
  const lost = line.findIndex((turn) => turn.parent !== undefined && !ids.has(turn.parent));
  if (lost >= 0 || !ids.has(leaf)) throw unreadable(`${place} lacks a message that others follow.`);
  if (isCircular(line)) throw unreadable(`${place} has messages that follow each other in a circle.`);
  const { settings, wrong } = readSettings(conversation.settings);
  if (wrong) throw unreadable(`${place} has no proper settings: “${wrong}” is not what Sidestream writes.`);
  const contents = checkedContents(conversation.contents, line);
  if (!contents) throw unreadable(`${place} has a damaged attachment.`);
  const own = (title ?? "").replace(/\s+/g, " ").trim().slice(0, LONGEST_TITLE).toWellFormed();
  return {
    id,
    ...(own === "" ? {} : { title: own }),
    created_at,
    updated_at,
    leaf,
    ...settingsIn(settings),
    turns: withOwnAttachments(line.map(travelling).map(asShown), contents),
    ...(contents.length > 0 ? { contents } : {}),
  };
}

/**
 * The field of a turn that says something which does not come from an answer, or would have an address loaded: it would be sent with all that follows.
 * @param {any} turn
 */
function foreignIn({ version, items, error }) {
  if (version > RECORD_VERSION) return "version";
  if (!Array.isArray(items)) return "items";
  if (error && !isShallow(error)) return "error";
  return items.every(isAnswered) ? undefined : "items";
}

/** @param {any} item */
function isAnswered({ type, role, content, output }) {
  return (type !== "message" || role === "assistant") && !namesImage(content, output);
}

/**
 * @param {any} contents
 * @param {ExportedTurn[]} turns
 * @returns {{id: string, content: string}[] | undefined}  Undefined if one of them is nothing that could have been attached.
 */
function checkedContents(contents = [], turns) {
  const kinds = new Map(turns.flatMap(({ attachments }) => attachments ?? []).map(({ id, kind }) => [id, kind]));
  if (!Array.isArray(contents)) return undefined;
  const isGood = (/** @type {any} */ each) => {
    const kind = kinds.get(each?.id);
    return kind !== undefined && isContent(kind, each.content);
  };
  return contents.every(isGood) ? contents.map(({ id, content }) => ({ id, content })) : undefined;
}

/** @param {...any} contents */
function namesImage(...contents) {
  const parts = contents.flat().filter((part) => part?.type === "input_image");
  return parts.some(({ image_url }) => !isContent("image", image_url));
}

/** @param {string} why @param {string} hint */
function unreadable(why, hint = "Nothing was changed.") {
  return new UserError("invalid_request", `The file cannot be imported. ${why}`, hint);
}
