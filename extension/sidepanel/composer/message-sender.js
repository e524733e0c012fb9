/** Sends messages to the worker, and keeps each of them until the worker has stored it. */

/** @import {Attachment, PanelMessage} from "../../shared/protocol.js" */
/** @import {Sending} from "../../shared/storage/drafts.js" */
/** @import {Conversation} from "../conversation/conversation.js" */
/** @import {Edits} from "../conversation/edits.js" */
/** @import {WorkerConnection} from "../worker-link/connection.js" */
/** @import {Outbox} from "../worker-link/outbox.js" */
/** @import {Drafts} from "../drafts/drafts.js" */
/** @import {ShownDraft} from "./shown-draft.js" */

/**
 * @typedef {object} Parts
 * @property {Conversation} conversation
 * @property {WorkerConnection} connection
 * @property {Drafts} drafts
 * @property {Edits} edits
 * @property {Outbox} outbox
 * @property {ShownDraft} shownDraft
 * @property {() => boolean} canSend
 * @property {() => void} onRefused  A message could not be sent now. It stays where it was written.
 * @property {() => void} onSent
 * @property {() => void} onEditStored  The worker has an edited message, and the box in which it was written is
 *   removed.
 */

export class MessageSender {
  #parts;
  /** Where the messages came from that are being taken out of the queue, by their ids. @type {Map<string, string>} */
  #cancelling = new Map();

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * @param {string} text
   * @param {Attachment[]} attachments
   * @param {boolean} [isDraft]  The message is what is written in the composer.
   * @returns {boolean}  Whether it was sent.
   */
  send(text, attachments, isDraft = true) {
    const { conversation, connection, drafts, outbox, shownDraft, canSend, onRefused, onSent } = this.#parts;
    if (!canSend()) {
      onRefused();
      return false;
    }
    const id = crypto.randomUUID();
    connection.open();
    const at = Date.now();
    if (isDraft) drafts.send({ id, text, attachments });
    conversation.add(id, text, at, attachments);
    const message = { id, text, conversation: conversation.id, ...withAttachments(attachments) };
    outbox.keep({ ...message, at });
    connection.send({ type: "Send", ...message });
    shownDraft.follow();
    onSent();
    return true;
  }

  /**
   * Sends an edited message.
   * @param {string} replaces
   * @param {string} text
   * @param {Attachment[]} attachments
   */
  sendEdit(replaces, text, attachments) {
    const { conversation, connection, edits, canSend, onSent } = this.#parts;
    if (!canSend()) return;
    connection.open();
    const message = { id: crypto.randomUUID(), text, conversation: conversation.id, ...withAttachments(attachments) };
    edits.send(replaces, message);
    connection.send({ type: "Send", ...message, replaces });
    onSent();
  }

  /** Sends everything that the worker has not confirmed over the new port. The worker takes each id once. */
  sendAgain() {
    const { conversation, connection, edits } = this.#parts;
    for (const message of conversation.unconfirmed) connection.send({ type: "Send", ...message });
    for (const message of edits.unconfirmed) connection.send({ type: "Send", ...message });
  }

  /** Shows the messages that closed panels have not got to the worker. They are sent when the port opens. */
  takeOver() {
    const { conversation, outbox } = this.#parts;
    for (const { id, text, conversation: target, at, attachments } of outbox.takeOver()) {
      if (target && target !== conversation.id) conversation.begin(target);
      conversation.add(id, text, at, attachments);
    }
  }

  /**
   * Sends what a draft names as sent and the worker does not have: the panel or the browser ended before. As long as
   * the browser runs it is sent again, under its id; what comes up on another day is for the user to send.
   * @param {string | undefined} from  The conversation of the draft.
   * @param {Sending[]} unsent
   * @param {boolean} isBefore  It was sent before the browser was started.
   * @returns {Sending[]}  What is to be written in the box again.
   */
  sendUnsent(from, unsent, isBefore) {
    const { conversation, connection } = this.#parts;
    const known = new Set(conversation.unconfirmed.map(({ id }) => id));
    const lost = unsent.filter(({ id }) => !known.has(id));
    if (isBefore || !from || (conversation.id && from !== conversation.id)) return lost;
    if (lost.length > 0 && !conversation.id) conversation.begin(from);
    for (const { id, text, attachments } of lost) {
      conversation.add(id, text, Date.now(), attachments);
      connection.send({ type: "Send", id, text, conversation: from, ...withAttachments(attachments) });
    }
    return [];
  }

  /**
   * Takes a message out of the queue.
   * @param {string} id
   */
  cancel(id) {
    const { conversation, connection } = this.#parts;
    this.#cancelling.set(id, conversation.id);
    connection.send({ type: "Cancel", id });
  }

  /**
   * The worker has taken a message out of the queue: its text goes back into the draft.
   * @param {Extract<PanelMessage, {type: "Cancelled"}>} message
   */
  cancelled({ id, text, attachments = [] }) {
    const { conversation, shownDraft } = this.#parts;
    conversation.remove(id);
    if (text !== undefined) {
      shownDraft.putBack({ text, attachments, conversation: this.#cancelling.get(id) ?? conversation.id });
    }
    this.#cancelling.delete(id);
  }

  /**
   * The worker has rejected a message.
   * @param {string} id
   */
  rejected(id) {
    const { conversation, edits, shownDraft } = this.#parts;
    const message = conversation.takeBack(id);
    if (message) shownDraft.putBack(message);
    edits.reject(id);
  }

  /**
   * The worker has stored a turn.
   * @param {string} id
   */
  stored(id) {
    this.#parts.conversation.confirm(id);
    this.editStored(id);
  }

  /**
   * A turn is stored or has ended: if an edited message became this turn, the edit is over.
   * @param {string} id
   */
  editStored(id) {
    const { edits, onEditStored } = this.#parts;
    const before = edits.unconfirmed.length;
    edits.confirm(id);
    if (edits.unconfirmed.length < before) onEditStored();
  }

  /** Forgets the copies of what the worker has by now. */
  settle() {
    const { conversation, drafts, outbox } = this.#parts;
    const unconfirmed = conversation.unconfirmed.map(({ id }) => id);
    outbox.settle(unconfirmed);
    drafts.settle(new Set(unconfirmed));
  }
}

/** @param {Attachment[]} attachments */
function withAttachments(attachments) {
  return attachments.length > 0 ? { attachments } : {};
}
