/** Keeps the draft in the composer in step with the conversation that is shown. */

import { database } from "../../shared/storage/database.js";
import { NEW_CHAT } from "../../shared/storage/drafts.js";

/** @import {Attachment} from "../../shared/protocol.js" */
/** @import {Conversation} from "../conversation/conversation.js" */
/** @import {Drafts} from "../drafts/drafts.js" */

export class ShownDraft {
  #conversation;
  #drafts;
  #onPutBack;
  /** The conversation whose draft is shown; "" while the worker has not said which conversation that is. */
  #written = "";
  /** Whose draft is shown until then. @type {string | undefined} */
  #expected;
  /** The conversation that the user has opened last, */
  #opened = "";
  /** and the one that the user has deleted last in this panel. */
  #deleted = "";

  /**
   * @param {object} parts
   * @param {Conversation} parts.conversation
   * @param {Drafts} parts.drafts
   * @param {() => void} parts.onPutBack  Something was put back into the draft that is shown.
   */
  constructor({ conversation, drafts, onPutBack }) {
    this.#conversation = conversation;
    this.#drafts = drafts;
    this.#onPutBack = onPutBack;
  }

  /**
   * The panel will probably show this conversation. Its draft is shown before the worker is awake.
   * @param {string | undefined} id
   */
  async expect(id) {
    this.#expected = await placeOf(id);
    this.follow();
  }

  /** @param {string} id  The user opens this conversation, so its own draft is shown. */
  open(id) {
    this.#opened = id;
  }

  /** @param {string} id  The user deletes this conversation, and with it what was written in it. */
  delete(id) {
    this.#deleted = id;
  }

  /** The next call of `follow` shows the stored draft, also if the conversation is the same. */
  reset() {
    this.#written = "";
  }

  /**
   * Whether the worker shows this conversation without being asked, because another panel has deleted the one that was
   * shown. What was being written in that one moves along.
   * @param {string} id
   */
  isMovedTo(id) {
    return this.#written !== "" && id !== this.#written && id !== this.#opened && this.#written !== this.#deleted;
  }

  /**
   * Shows the draft of the conversation that is shown.
   * @param {boolean} [isMoved]  What was written in the previous conversation moves along.
   */
  follow(isMoved = false) {
    const place = this.#place();
    if (place === undefined) return;
    const { id } = this.#conversation;
    const isSame = this.#written === id && this.#written !== "";
    this.#written = id;
    if (isSame && place !== NEW_CHAT) this.#drafts.show(place, "begins");
    else this.#drafts.show(place, isSame || isMoved ? "moves" : "");
  }

  /**
   * Puts a message that was not sent back into the draft that it came from, before what was typed since.
   * @param {{text: string, attachments: Attachment[], conversation: string}} message
   */
  async putBack(message) {
    const { conversation: from } = message;
    const isHere = from === this.#conversation.id || !from;
    this.#drafts.putBack((isHere ? this.#place() : await placeOf(from)) ?? NEW_CHAT, message);
    if (isHere) this.#onPutBack();
  }

  /** Whose draft is shown; undefined while nobody knows. */
  #place() {
    if (!this.#conversation.id) return this.#expected;
    return this.#conversation.turns.length > 0 ? this.#conversation.id : NEW_CHAT;
  }
}

/**
 * Whose draft belongs to a conversation: a conversation without messages has the draft of a new chat.
 * @param {string | undefined} id
 * @returns {Promise<string>}
 */
async function placeOf(id) {
  const stored = id && (await (await database()).get("conversations", id).catch(() => undefined));
  return stored?.turns > 0 ? stored.id : NEW_CHAT;
}
