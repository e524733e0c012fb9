/**
 * Reads a file of exported conversations. A file that holds anything that Sidestream does not write is refused as a
 * whole, with its reason.
 */

import { UserError } from "../../shared/errors.js";
import { hasText, isId, isShallow, isTime, makePlain } from "../../shared/plain.js";
import { isContent } from "../../shared/storage/attachments.js";
import { inOneLine } from "../../shared/storage/migrations.js";
import { isCircular } from "./branches.js";
import { asShown, FORMAT, settingsIn, travelling, VERSION, withOwnAttachments } from "./exported-form.js";
import { RECORD_VERSION, readSettings, wrongIn } from "./records.js";

/** @import { Exported, ExportedTurn } from "./exported-form.js" */

/** The box in which the user writes one takes no more. */
const LONGEST_TITLE = 200;

/**
 * What a file holds, checked field by field.
 * @param {string} text
 * @returns {Exported[]}
 */
export function parseExport(text) {
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
  const isTitle = title === undefined || hasText(title);
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
 * The field of a turn that says something which does not come from an answer, or would have an address loaded: it would
 * be sent with all that follows.
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
 * @returns {{id: string, content: string}[] | undefined}  Undefined if one of them is nothing that could have been
 *   attached.
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
