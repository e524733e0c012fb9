/**
 * The contents of attachments: texts of pages, and images as `data:` URLs. They are stored apart from the turns, which
 * are written again and again while an answer grows.
 *
 * What the user has not sent yet is stored under no conversation, and lives as long as a draft names it (`drafts.js`).
 * It becomes the conversation's in the transaction that first writes the turn.
 */

import { UserError } from "../errors.js";
import { text } from "../text.js";
import { database, keysOf, write } from "./database.js";
import { attachmentsOf } from "./drafts.js";

/** @import { Attachment, Turn } from "../protocol.js" */

/** @typedef {import("idb").IDBPTransaction<any, string[], "readwrite">} Transaction */
/** @typedef {{conversation_id: string, id: string, content: string, kept_at: number}} StoredAttachment */

/** Characters of a text that was read from a page. */
const MAX_TEXT = 400_000;
/** And of one that the user has pasted. */
const MAX_PASTED = 5_000_000;
/** Characters of an image as a `data:` URL. */
const MAX_IMAGE = 8_000_000;
const MAX_LABEL = 2_000;
/** In place of a conversation. */
const DRAFT = "";
/** A content that no draft names may be about to be named, or be on its way in a message that waits for the worker. */
const FORGET_MS = 24 * 60 * 60 * 1000;

const KINDS = ["page", "selection", "image", "text"];
/** Nothing else is ever the source of an image, or sent as one: an address would be loaded. */
const IMAGE = /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/;

/**
 * Keep what was attached until it is sent.
 * @param {Attachment} attachment
 * @param {string} content
 */
export async function keepAttachment(attachment, content) {
  const text = String(content).toWellFormed();
  if (!isContent(attachment.kind, text)) throw unfit(attachment);
  const id = String(attachment.id);
  const record = { conversation_id: DRAFT, id, content: text, kept_at: Date.now() };
  await write(["attachments"], (transaction) => transaction.objectStore("attachments").put(record), "strict");
}

/** @param {Attachment} attachment */
function unfit({ kind }) {
  return kind === "image"
    ? new UserError("invalid_request", text("attachment_image_unfit"), text("attachment_image_formats"))
    : new UserError("invalid_request", text("attachment_text_too_long", longest(kind)), text("attachment_select_part"));
}

/**
 * Forget a draft that the user has removed.
 * @param {string} id
 */
export async function dropAttachment(id) {
  await write(["attachments"], (transaction) => transaction.objectStore("attachments").delete([DRAFT, id]));
}

/**
 * What was attached in a conversation. A message that is on its way has drafts, perhaps such as another panel has sent
 * elsewhere meanwhile.
 * @param {string} conversation
 * @param {string} id
 * @returns {Promise<string | undefined>}
 */
export async function loadAttachment(conversation, id) {
  const db = await database();
  const found =
    (await db.get("attachments", [conversation, id])) ?? (await db.getFromIndex("attachments", "by_id", id));
  return found?.content;
}

/**
 * Give a turn that is written first what is attached to it. What another panel has sent elsewhere meanwhile is copied.
 * @param {Transaction} transaction  With the store `attachments`.
 * @param {string} conversation
 * @param {Turn} turn
 */
export async function claim(transaction, conversation, { attachments }) {
  const store = transaction.objectStore("attachments");
  for (const { id } of attachments ?? []) {
    if ((await store.getKey([conversation, id])) !== undefined) continue;
    /** @type {StoredAttachment | undefined} */
    const found = await store.index("by_id").get(id);
    if (!found) continue;
    await store.put({ ...found, conversation_id: conversation });
    await store.delete([DRAFT, id]);
  }
}

/**
 * Make drafts again of what only a turn had that is taken back.
 * @param {Transaction} transaction  With the stores `attachments` and `turns`, the turn being gone already.
 * @param {string} conversation
 * @param {Turn} turn
 * @param {Turn[]} others  The conversation's other turns.
 */
export async function release(transaction, conversation, { attachments }, others) {
  const store = transaction.objectStore("attachments");
  const needed = new Set(others.flatMap((other) => other.attachments ?? []).map(({ id }) => id));
  for (const { id } of attachments ?? []) {
    if (needed.has(id)) continue;
    /** @type {StoredAttachment | undefined} */
    const found = await store.get([conversation, id]);
    if (!found) continue;
    await store.put({ ...found, conversation_id: DRAFT, kept_at: Date.now() });
    await store.delete([conversation, id]);
  }
}

/**
 * Those of a conversation, by the ids of its turns' attachments, each once and in their order.
 * @param {{get: (key: [string, string]) => Promise<StoredAttachment | undefined>}} store
 * @param {string} conversation
 * @param {Turn[]} turns
 * @returns {Promise<{id: string, content: string}[]>}
 */
export async function contentsOf(store, conversation, turns) {
  const ids = new Set(turns.flatMap(({ attachments }) => attachments ?? []).map(({ id }) => id));
  const found = await Promise.all([...ids].map((id) => store.get([conversation, id])));
  return found.flatMap((each) => (each ? [{ id: each.id, content: each.content }] : []));
}

/** @param {Transaction} transaction @param {string} conversation @param {{id: string, content: string}[]} contents */
export async function putContents(transaction, conversation, contents) {
  const store = transaction.objectStore("attachments");
  const kept_at = Date.now();
  const records = contents.map(({ id, content }) => ({ conversation_id: conversation, id, content, kept_at }));
  await Promise.all(records.map((record) => store.put(record)));
}

/** @param {Transaction} transaction @param {string} conversation */
export async function removeAttachments(transaction, conversation) {
  await transaction.objectStore("attachments").delete(keysOf(conversation));
}

/** Remove contents that no draft names any more. */
export async function purgeDrafts() {
  await write(["attachments", "drafts"], async (transaction) => {
    const drafts = await transaction.objectStore("drafts").getAll();
    const names = new Set(drafts.flatMap(attachmentsOf));
    const store = transaction.objectStore("attachments");
    for (let cursor = await store.openCursor(keysOf(DRAFT)); cursor; cursor = await cursor.continue()) {
      const { id, kept_at } = /** @type {StoredAttachment} */ (cursor.value);
      if (!names.has(id) && kept_at + FORGET_MS < Date.now()) await cursor.delete();
    }
  });
}

/**
 * What a panel says of the attachments of a message, as far as Python takes it.
 * @param {unknown} attachments
 * @returns {Attachment[]}
 */
export function described(attachments) {
  return (Array.isArray(attachments) ? attachments : []).filter(isAttachment).map((attachment) => {
    const { id, kind, title, url, tokens, size, width, height, missing } = attachment;
    const label = (/** @type {string} */ text) => text.slice(0, MAX_LABEL).toWellFormed();
    return {
      id,
      kind,
      title: label(title),
      ...(url === undefined ? {} : { url: label(url) }),
      tokens,
      size,
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      ...(missing === undefined ? {} : { missing: label(missing) }),
    };
  });
}

/** @param {any} value @returns {value is Attachment} */
export function isAttachment(value) {
  const { id, kind, title, url = "", tokens, size, width = 0, height = 0, missing = "" } = value ?? {};
  const texts = [id, title, url, missing];
  return (
    KINDS.includes(kind) &&
    texts.every((text) => typeof text === "string") &&
    id !== "" &&
    [tokens, size, width, height].every((number) => Number.isSafeInteger(number) && number >= 0)
  );
}

/**
 * Whether it can be shown and sent as an attachment of that kind.
 * @param {Attachment["kind"]} kind
 * @param {unknown} content
 */
export function isContent(kind, content) {
  if (typeof content !== "string") return false;
  return content.length <= longest(kind) && (kind !== "image" || IMAGE.test(content));
}

/** @param {Attachment["kind"]} kind  In characters. */
function longest(kind) {
  if (kind === "image") return MAX_IMAGE;
  return kind === "text" ? MAX_PASTED : MAX_TEXT;
}
