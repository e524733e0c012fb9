/**
 * Writes the turns of a conversation as Python hands them over (`session/turn.py`), and with them all that follows from
 * a turn: its attachments, the index for the search, the usage of the day, and the conversation's title.
 */

import { claim, release } from "../../shared/storage/attachments.js";
import { write } from "../../shared/storage/database.js";
import { activity } from "../../shared/storage/migrations.js";
import { titleOfTurn } from "../../shared/titles.js";
import { turnsIn } from "./conversation-store.js";
import { indexTurn } from "./search-index.js";
import { countUsage } from "./usage.js";

/** @import { StoredConversation, StoredTurn } from "./records.js" */

/**
 * Write what Python knows of a conversation, and a turn in place of its earlier state. Resolves when it is safe.
 * @param {string} head  JSON: `{id, created_at, leaf, settings}`.
 * @param {string} turn  JSON; "" for none.
 * @returns {Promise<string | undefined>}  The turn's id if it was not there before.
 */
export async function saveTurn(head, turn) {
  const known = JSON.parse(head);
  const record = turn ? JSON.parse(turn) : undefined;
  let isNew = false;
  const work = async (/** @type {import("idb").IDBPTransaction<any, string[], "readwrite">} */ transaction) => {
    const conversations = transaction.objectStore("conversations");
    const stored = await conversations.get(known.id);
    const begun = { title: "", turns: 0, updated_at: known.created_at };
    const conversation = withHead({ ...begun, ...stored }, known);
    if (record) {
      const turns = transaction.objectStore("turns");
      isNew = (await turns.getKey([known.id, record.id])) === undefined;
      if (isNew) await claim(transaction, known.id, record);
      await countUsage(transaction, known.id, record);
      const turn = { ...record, ...activity(record), conversation_id: known.id };
      await turns.put(turn);
      // While the answer grows, the message is what it is found by.
      if (isNew || !turn.active) await indexTurn(transaction, turn, conversation.turns === 0);
      conversation.title ||= titleOfTurn(record);
      conversation.updated_at = Date.now();
      if (isNew) {
        conversation.turns += 1;
        // Who writes on in a conversation wants it back.
        delete conversation.deleted_at;
      }
    }
    await conversations.put(conversation);
  };
  // After a power cut a message must be there, and whether it was sent. What is written each second need not wait for
  // the disk.
  const isGrowing = record && record.status !== "queued" && activity(record).active && record.blocks.length > 0;
  await write(
    ["conversations", "turns", "usage", "attachments", "texts", "search"],
    work,
    isGrowing ? "relaxed" : "strict",
  );
  return isNew ? record.id : undefined;
}

/**
 * What Python does not name it has not.
 * @param {StoredConversation} stored @param {Record<string, any>} head @returns {StoredConversation}
 */
function withHead({ leaf: _, settings: __, ...stored }, { settings, ...head }) {
  const own = settings && Object.keys(settings).length > 0 ? { settings } : {};
  return { ...stored, ...head, ...own };
}

/**
 * Remove a turn. Resolves when it is gone for good; what was attached to it alone is a draft again.
 * @param {string} head  As for {@link saveTurn}.
 * @param {string} id
 */
export async function removeTurn(head, id) {
  const known = JSON.parse(head);
  await write(["conversations", "turns", "attachments", "texts"], async (transaction) => {
    const conversations = transaction.objectStore("conversations");
    const turns = transaction.objectStore("turns");
    const conversation = await conversations.get(known.id);
    /** @type {StoredTurn | undefined} */
    const turn = await turns.get([known.id, id]);
    if (!turn) return;
    await turns.delete([known.id, id]);
    await transaction.objectStore("texts").delete([known.id, id]);
    if (turn.attachments) {
      await release(transaction, known.id, turn, await turnsIn(turns, known.id));
    }
    if (conversation) await conversations.put(withHead({ ...conversation, turns: conversation.turns - 1 }, known));
  });
}
