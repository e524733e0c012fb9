/** Conversations as files: JSON that can be imported again (the format stands in `docs/storage.md`), or Markdown. */

import { cleanParts } from "../run-parts.js";
import { contentsOf, isAttachment, isContent, putContents } from "./attachments.js";
import { removeFrom, shownConversations, titleFor } from "./conversations.js";
import { database, inOneLine, RECORD_VERSION, turnsOf, write } from "./database.js";
import { UserError } from "./errors.js";
import { asMarkdown } from "./markdown.js";
import { titleOfTurn, wordsOfTurn } from "./search.js";

/** @import { ConversationSettings } from "../protocol.js" */
/** @import { StoredConversation, StoredTurn } from "./database.js" */

const FORMAT = "sidestream.conversations";
/** Of a file. Version 1 knew no branches, version 2 no attachments. */
const VERSION = 3;
/** Where a file ends and another one begins: Chrome carries messages of up to 64 MiB. */
const FILE_LENGTH = 12_000_000;

const STATUSES = ["queued", "running", "reconnecting", "completed", "incomplete", "failed", "interrupted", "stopped"];
/** Rounds of calls that a turn has anyway; see `session/tools.py`. */
const USUAL_CALLS = 25;
const BLOCK_KINDS = ["text", "reasoning", "refusal", "tool"];

/** @typedef {Omit<StoredTurn, "conversation_id" | "words" | "active">} ExportedTurn */
/**
 * A conversation in a file. `title` is there only if the user gave it one, `leaf` is the last turn of the branch that is shown. `contents`
 * are those of the turns' attachments.
 * @typedef {{id: string, title?: string, created_at: number, updated_at: number, leaf: string, settings?: ConversationSettings,
 *   turns: ExportedTurn[], contents?: {id: string, content: string}[]}} Exported
 */

/**
 * @param {{ids?: string[], format: "json" | "markdown", from?: number}} request  Without ids: all; `from` is the `next` of an earlier answer.
 * @returns {Promise<{files: {name: string, text: string}[], next?: number}>}
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
  while (next < chosen.length && (parts.length === 0 || length < FILE_LENGTH)) {
    const { id } = chosen[next];
    const db = await database();
    const turns = await db.getAllFromIndex("turns", "by_conversation", turnsOf(id));
    const contents = isJson ? await contentsOf({ get: (key) => db.get("attachments", key) }, id, turns) : [];
    const exported = asExported(chosen[next], turns, contents);
    const part = isJson ? JSON.stringify(exported, null, 1) : asMarkdown(exported, titleFor(chosen[next]));
    parts.push(part);
    length += part.length;
    next += 1;
  }
  const head = `{"format": "${FORMAT}", "version": ${VERSION}, "conversations": [\n`;
  const text = isJson ? `${head}${parts.join(",\n")}\n]}\n` : parts.join("\n---\n\n");
  const name = fileName(chosen, from) + (isJson ? ".json" : ".md");
  return { files: [{ name, text }], ...(next < chosen.length ? { next } : {}) };
}

/** @param {StoredConversation[]} chosen @param {number} from */
function fileName(chosen, from) {
  const title = chosen.length === 1 ? titleFor(chosen[0]) : "conversations";
  const safe = title
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
  return [
    "sidestream",
    safe
      .slice(0, 50)
      .toWellFormed()
      .replace(/\uFFFD$/, ""),
    from || "",
  ]
    .filter(Boolean)
    .join("-");
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
    leaf: leaf ?? turns[turns.length - 1].id,
    ...settingsIn(settings),
    turns: turns.map(withoutOurs),
    ...(contents.length > 0 ? { contents } : {}),
  };
}

/**
 * The user's leave for tools and hosts, and for more rounds of calls than usual, is given here and does not travel: whoever makes a file must
 * not give it.
 * @param {ConversationSettings | undefined} settings
 */
function settingsIn({ tools: _tools, network: _network, limits: { calls = 0, ...others } = {}, ...settings } = {}) {
  const limits = { ...(calls > 0 && calls <= USUAL_CALLS ? { calls } : {}), ...others };
  const travelling = { ...settings, ...(Object.keys(limits).length > 0 ? { limits } : {}) };
  return Object.keys(travelling).length > 0 ? { settings: travelling } : {};
}

/** @param {StoredTurn} turn @returns {ExportedTurn} */
function withoutOurs({ conversation_id: _, words: __, active: ___, ...turn }) {
  // A question is asked here, and nowhere else.
  return { ...turn, blocks: turn.blocks.map(({ asks: _asks, ...block }) => block) };
}

/** @param {ExportedTurn} turn @returns {ExportedTurn}  With nothing to show but what a run of code can have. */
function withCleanParts(turn) {
  const blocks = turn.blocks.map((block) => {
    if (!block.shown) return block;
    const { sources } = block.shown;
    return { ...block, shown: { ...cleanParts(block.shown), ...(sources ? { sources } : {}) } };
  });
  return { ...turn, blocks };
}

/**
 * Take the conversations of an exported file in: all of them, or none if anything is wrong with it. What is there already is skipped; what is
 * there with another content stays, and the file's becomes a conversation of its own.
 * @param {string} text
 * @returns {Promise<{imported: number, skipped: number}>}
 */
export async function importConversations(text) {
  const conversations = parse(text);
  let imported = 0;
  await write(["conversations", "turns", "attachments"], async (transaction) => {
    const store = transaction.objectStore("conversations");
    const turns = transaction.objectStore("turns");
    for (const exported of conversations) {
      /** @type {StoredConversation | undefined} */
      let there = await store.get(exported.id);
      if (there?.deleted_at) {
        await removeFrom(transaction, exported.id);
        there = undefined;
      }
      if (there && (await isSame(exported, there, transaction))) continue;
      const id = there ? crypto.randomUUID() : exported.id;
      await Promise.all([
        store.put(asStored(exported, id)),
        ...exported.turns.map((turn) => turns.put({ ...turn, conversation_id: id, words: wordsOfTurn(turn) })),
        putContents(transaction, id, exported.contents ?? []),
      ]);
      imported += 1;
    }
  });
  return { imported, skipped: conversations.length - imported };
}

/**
 * @param {Exported} exported
 * @param {StoredConversation} stored
 * @param {import("./attachments.js").Transaction} transaction
 */
async function isSame(exported, stored, transaction) {
  const turns = await transaction.objectStore("turns").index("by_conversation").getAll(turnsOf(stored.id));
  const contents = await contentsOf(transaction.objectStore("attachments"), stored.id, turns);
  return JSON.stringify(exported) === JSON.stringify(asExported(stored, turns, contents));
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
 * What a file holds, checked as far as the panel and Python rely on it.
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
  return data.conversations.map(checked);
}

/** @param {any} conversation @param {number} index @returns {Exported} */
function checked(conversation, index) {
  const place = `Conversation ${index + 1} of the file`;
  const { id, title, created_at, updated_at, turns } = conversation ?? {};
  const isTitle = title === undefined || (isText(title) && title !== "");
  if (!isText(id) || id === "" || !isTitle || !isCount(created_at) || !isCount(updated_at)) {
    throw unreadable(`${place} has no proper id, title or times.`);
  }
  if (!Array.isArray(turns) || turns.length === 0) throw unreadable(`${place} has no messages.`);
  const wrong = turns.findIndex((turn, at) => !isTurn(turn) || (at > 0 && turn.position <= turns[at - 1].position));
  if (wrong >= 0) throw unreadable(`${place} is damaged at message ${wrong + 1}.`);
  const ids = new Set(turns.map((turn) => turn.id));
  if (ids.size < turns.length) throw unreadable(`${place} has a message twice.`);
  const line = turns.every((turn) => turn.version === 1) ? inOneLine(turns) : turns;
  const { leaf = line[line.length - 1].id, settings } = conversation;
  const lost = line.findIndex((turn) => turn.parent !== undefined && !ids.has(turn.parent));
  if (lost >= 0 || !ids.has(leaf)) throw unreadable(`${place} lacks a message that others follow.`);
  if (settings !== undefined && !isSettings(settings)) throw unreadable(`${place} has no proper settings.`);
  const contents = checkedContents(conversation.contents, line);
  if (!contents) throw unreadable(`${place} has a damaged attachment.`);
  return {
    id,
    ...(title === undefined ? {} : { title }),
    created_at,
    updated_at,
    leaf,
    ...settingsIn(settings),
    turns: line.map(withoutOurs).map(withCleanParts),
    ...(contents.length > 0 ? { contents } : {}),
  };
}

/**
 * @param {any} contents
 * @param {ExportedTurn[]} turns
 * @returns {{id: string, content: string}[] | undefined}  Undefined if one of them is nothing that could have been attached.
 */
function checkedContents(contents = [], turns) {
  const kinds = new Map(turns.flatMap(({ attachments = [] }) => attachments).map(({ id, kind }) => [id, kind]));
  if (!Array.isArray(contents)) return undefined;
  const isGood = (/** @type {any} */ each) => {
    const kind = kinds.get(each?.id);
    return kind !== undefined && isContent(kind, each.content);
  };
  return contents.every(isGood) ? contents.map(({ id, content }) => ({ id, content })) : undefined;
}

/** @param {any} settings */
function isSettings(settings) {
  if (typeof settings !== "object" || settings === null) return false;
  const { tools = {}, network = [], vector_stores = [], limits = {}, ...texts } = settings;
  return (
    [tools, network, vector_stores, texts].every((each) => areAll(isText, each)) &&
    areAll((value) => isCount(value) && value !== 0, limits)
  );
}

/** @param {any} turn */
function isTurn(turn) {
  return (
    isText(turn?.id) &&
    isText(turn.user) &&
    (turn.attachments === undefined || isAttached(turn.attachments)) &&
    isCount(turn.created_at) &&
    isCount(turn.position) &&
    turn.version <= RECORD_VERSION &&
    STATUSES.includes(turn.status) &&
    Array.isArray(turn.blocks) &&
    turn.blocks.every(isBlock) &&
    (turn.error === undefined || isText(turn.error?.message)) &&
    Array.isArray(turn.items) &&
    turn.items.every(isItem)
  );
}

/**
 * An answer's item. What says that it comes from somebody else, or names an image by its address, would be sent with all that follows.
 * @param {any} item
 */
function isItem(item) {
  const isMessage = item?.type === "message";
  return isText(item?.type) && (!isMessage || item.role === "assistant") && !namesImage(item.content, item.output);
}

/** @param {...any} contents */
function namesImage(...contents) {
  const parts = contents.flat().filter((part) => part?.type === "input_image");
  return parts.some(({ image_url }) => !isContent("image", image_url));
}

/** @param {any} attachments */
function isAttached(attachments) {
  return Array.isArray(attachments) && attachments.length > 0 && attachments.every(isAttachment);
}

/** @param {any} block */
function isBlock(block) {
  const { kind, text, citations = [], shown = {} } = block ?? {};
  return (
    BLOCK_KINDS.includes(kind) && isText(text) && isList(isSource, citations) && isList(isSource, shown?.sources ?? [])
  );
}

/** @param {any} source */
function isSource(source) {
  const { url = "", title = "" } = source ?? {};
  return isText(url) && isText(title) && url + title !== "";
}

/** @param {(value: any) => boolean} is @param {any} values */
function isList(is, values) {
  return Array.isArray(values) && values.every(is);
}

/** @param {(value: unknown) => boolean} is @param {any} values */
function areAll(is, values) {
  return typeof values === "object" && values !== null && Object.values(values).every(is);
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === "string";
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;
}

/** @param {string} why @param {string} hint */
function unreadable(why, hint = "Nothing was changed.") {
  return new UserError("invalid_request", `The file cannot be imported. ${why}`, hint);
}
