/**
 * Reads a file of exported conversations. A file that holds anything that Sidestream does not write is refused as a
 * whole, with its reason.
 */

import { UserError } from "../../shared/errors.js";
import { hasText, isId, isShallow, isTime, makePlain } from "../../shared/plain.js";
import { isContent } from "../../shared/storage/attachments.js";
import { inOneLine } from "../../shared/storage/migrations.js";
import { text } from "../../shared/text.js";
import { isCircular } from "./branches.js";
import { asShown, FORMAT, settingsIn, travelling, VERSION, withOwnAttachments } from "./exported-form.js";
import { RECORD_VERSION, readSettings, wrongIn } from "./records.js";

/** @import { Exported, ExportedTurn } from "./exported-form.js" */

/** The box in which the user writes one takes no more. */
const LONGEST_TITLE = 200;

/**
 * What a file holds, checked field by field.
 * @param {string} json
 * @returns {Exported[]}
 */
export function parseExport(json) {
  let data;
  try {
    data = JSON.parse(json);
  } catch {
    throw unreadable(text("import_not_json"));
  }
  if (data?.format !== FORMAT || !Array.isArray(data.conversations)) {
    throw unreadable(text("import_not_exported"));
  }
  if (![1, 2, VERSION].includes(data.version)) {
    throw unreadable(text("import_other_version"), text("error_update_sidestream"));
  }
  if (data.conversations.length === 0) throw unreadable(text("import_empty"));
  makePlain(data);
  return data.conversations.map(checked);
}

/** @param {any} conversation @param {number} index @returns {Exported} */
function checked(conversation, index) {
  const number = index + 1;
  const { id, title, created_at, updated_at, turns } = conversation ?? {};
  const isTitle = title === undefined || hasText(title);
  if (!isId(id) || !isTitle || !isTime(created_at) || !isTime(updated_at)) {
    throw unreadable(text("import_bad_head", number));
  }
  if (!Array.isArray(turns) || turns.length === 0) throw unreadable(text("import_no_messages", number));
  for (const [at, turn] of turns.entries()) {
    const wrong = wrongIn(turn) ?? foreignIn(turn) ?? (at > 0 && turn.position <= turns[at - 1].position && "position");
    if (wrong) throw unreadable(text("import_damaged_message", number, at + 1, wrong));
  }
  const ids = new Set(turns.map((turn) => turn.id));
  if (ids.size < turns.length) throw unreadable(text("import_message_twice", number));
  const line = turns.every((turn) => turn.version === 1) ? inOneLine(turns) : turns;
  const { leaf = line[line.length - 1].id } = conversation;
  const lost = line.findIndex((turn) => turn.parent !== undefined && !ids.has(turn.parent));
  if (lost >= 0 || !ids.has(leaf)) throw unreadable(text("import_message_missing", number));
  if (isCircular(line)) throw unreadable(text("import_circular", number));
  const { settings, wrong } = readSettings(conversation.settings);
  if (wrong) throw unreadable(text("import_bad_settings", number, wrong));
  const contents = checkedContents(conversation.contents, line);
  if (!contents) throw unreadable(text("import_damaged_attachment", number));
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

/** @param {string} reason  A sentence. @param {string} [hint] */
function unreadable(reason, hint = text("import_nothing_changed")) {
  return new UserError("invalid_request", text("import_failed", reason), hint);
}
