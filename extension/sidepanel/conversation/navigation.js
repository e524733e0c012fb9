/** Which conversation the panel shows: one that is opened, or a new one. */

import { NEW_CHAT } from "../../shared/storage/drafts.js";

/** @import {Place} from "../../shared/protocol.js" */
/** @import {Drafts} from "../drafts/drafts.js" */
/** @import {MessageSender} from "../composer/message-sender.js" */
/** @import {ShownDraft} from "../composer/shown-draft.js" */
/** @import {WorkerConnection} from "../worker-link/connection.js" */
/** @import {PendingCommands} from "../worker-link/pending-commands.js" */
/** @import {Conversation} from "./conversation.js" */
/** @import {Edits} from "./edits.js" */
/** @import {Find} from "./find.js" */

/**
 * @typedef {object} Parts
 * @property {Conversation} conversation
 * @property {WorkerConnection} connection
 * @property {PendingCommands} pending
 * @property {Drafts} drafts
 * @property {ShownDraft} shownDraft
 * @property {Edits} edits
 * @property {MessageSender} sender
 * @property {Find} find
 * @property {() => boolean} knowsProvider  Whether the worker has said who answers.
 * @property {() => void} onOpen  A conversation was asked for. It is shown when the worker sends it.
 * @property {() => void} onBegin  A new conversation is shown.
 */

export class Navigation {
  #parts;
  /** Questions from the address bar that came before it was known who answers. @type {string[]} */
  #questions = [];

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * @param {string} id
   * @param {{place: Place, query: string}} [hit]  Where a search has found it.
   */
  open(id, hit) {
    const { connection, find, shownDraft, onOpen } = this.#parts;
    shownDraft.open(id);
    find.close();
    if (hit) find.seek({ ...hit.place, query: hit.query, conversation: id });
    connection.send({ type: "Open", conversation: id });
    onOpen();
  }

  beginChat() {
    const { connection, conversation, shownDraft, onBegin } = this.#parts;
    const id = crypto.randomUUID();
    this.leave();
    shownDraft.open(id);
    conversation.begin(id);
    connection.send({ type: "NewChat", conversation: id });
    shownDraft.follow();
    onBegin();
  }

  /**
   * Sends a question from the address bar in a new conversation, once it is known whether anybody answers.
   * @param {string} text
   */
  askInNewChat(text) {
    const { drafts, knowsProvider, sender, shownDraft } = this.#parts;
    if (!knowsProvider()) {
      this.#questions.push(text);
      return;
    }
    this.beginChat();
    // What is written in the box of a new chat stays as it is.
    shownDraft.reset();
    if (!sender.send(text, [], false)) drafts.putBack(NEW_CHAT, { text, attachments: [] });
  }

  /** It is known who answers now. */
  askWaitingQuestions() {
    for (const text of this.#questions.splice(0)) this.askInNewChat(text);
  }

  /** Another conversation will be shown, and the answers to what was asked in this one do not come here any more. */
  leave() {
    const { edits, pending } = this.#parts;
    pending.clear();
    edits.leave();
  }
}
