/** Conversations as files: JSON that can be imported again (`docs/storage.md` has the format), or Markdown. */

import { UserError } from "../../shared/errors.js";
import { logError } from "../../shared/log.js";
import { contentsOf, putContents } from "../../shared/storage/attachments.js";
import { database, write } from "../../shared/storage/database.js";
import { text } from "../../shared/text.js";
import { cutTo, titleOfTurn } from "../../shared/titles.js";
import { removeFrom, shownConversations, titleFor } from "./conversation-list.js";
import { turnsIn, turnsOfConversation } from "./conversation-store.js";
import { asExported, FORMAT, VERSION } from "./exported-form.js";
import { asMarkdown } from "./markdown-export.js";
import { parseExport } from "./parse-export.js";
import { readConversation } from "./records.js";
import { indexMissing } from "./search-index.js";

/** @import { Brought } from "../../shared/protocol.js" */
/** @import { Exported } from "./exported-form.js" */
/** @import { StoredConversation } from "./records.js" */

/** Where a file ends and another one begins: Chrome carries messages of up to 64 MiB. */
const FILE_LENGTH = 12_000_000;

/** An import of so many conversations waits for the index of what it brought, so long. */
const INDEXED_AT_ONCE = 20;
const INDEXED_WITHIN_MS = 2_000;
/** Of a title in a file's name, as people count them. */
const NAME_LENGTH = 50;

/**
 * @param {{ids?: string[], format: "json" | "markdown", from?: number}} request  Without ids: all; `from` is the `next`
 *   of an earlier answer.
 * @returns {Promise<{files: {name: string, text: string}[], next?: number, unreadable?: number}>}  `unreadable`: how
 *   many are in no file, since nothing of them can be read.
 */
export async function exportConversations({ ids, format, from = 0 }) {
  const stored = await shownConversations();
  const chosen = ids ? stored.filter(({ id }) => ids.includes(id)) : stored;
  if (chosen.length === 0) throw new UserError("invalid_request", text("export_nothing"));
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
  const content = isJson ? `${head}${parts.join(",\n")}\n]}\n` : parts.join("\n---\n\n");
  const name = fileName(chosen, from) + (isJson ? ".json" : ".md");
  return { files: [{ name, text: content }], ...more };
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
  const title = chosen.length === 1 ? titleFor(chosen[0]) : text("export_file_name");
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
 * Take the conversations of an exported file in; none if anything is wrong with it. What is there already is skipped;
 * what is there with another content stays, and the file's becomes a conversation of its own. Each is written by
 * itself, so that what others write in the meantime need not wait for all; after a disk that was full the same file
 * brings the rest.
 * @param {string} json
 * @param {"with" | "without"} [instructions]  The user's decision on what the file brings that changes how the model
 *   answers. Where the file brings such a thing and the user has not decided yet, nothing is imported, and the reply
 *   names it in `brings`.
 * @returns {Promise<{imported: number, skipped: number, brings?: Brought[]}>}
 */
export async function importConversations(json, instructions) {
  const all = parseExport(json);
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
