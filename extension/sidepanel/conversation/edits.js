/**
 * Messages that are being edited, by the turns that they are to replace. They are a part of the draft of the
 * conversation that is shown, and stay there until the worker has taken them.
 */

/** @import {Attachment} from "../../shared/protocol.js" */
/** @import {Edit} from "../../shared/storage/drafts.js" */
/** @import {Drafts} from "../drafts/drafts.js" */

export class Edits {
  /** @type {Pick<Drafts, "current" | "change">} */
  #drafts;

  /** @param {Pick<Drafts, "current" | "change">} drafts */
  constructor(drafts) {
    this.#drafts = drafts;
  }

  /** @param {string} turn @returns {Edit | undefined} */
  get(turn) {
    return this.#drafts.current.edits[turn];
  }

  /**
   * Begins an edit, or goes on with it.
   * @param {string} turn
   * @param {string} text
   * @param {Attachment[]} [attachments]
   */
  write(turn, text, attachments = this.get(turn)?.attachments) {
    this.#set(turn, { text, ...(attachments ? { attachments } : {}) });
  }

  /**
   * Keeps what was typed for the next time.
   * @param {string} turn
   */
  setAside(turn) {
    const edit = this.get(turn);
    if (edit) this.#set(turn, { ...edit, aside: true });
  }

  /** @param {string} turn */
  drop(turn) {
    const { [turn]: _, ...edits } = this.#drafts.current.edits;
    this.#drafts.change({ edits });
  }

  // --- on its way ---------------------------------------------------------------------------------------------------

  /**
   * @param {string} turn
   * @param {{id: string, text: string, conversation: string, attachments?: Attachment[]}} message
   */
  send(turn, message) {
    this.#set(turn, { ...message, sending: true });
  }

  /** What is to be sent again after the connection broke: the worker takes each id once. */
  get unconfirmed() {
    return Object.entries(this.#drafts.current.edits).flatMap(
      ([replaces, { id, text, conversation, attachments, sending }]) =>
        sending && id && conversation
          ? [{ replaces, id, text, conversation, ...(attachments ? { attachments } : {}) }]
          : [],
    );
  }

  /**
   * The worker has this turn: if an edit became it, that is over.
   * @param {string} id
   */
  confirm(id) {
    for (const [turn, edit] of Object.entries(this.#drafts.current.edits)) if (edit.id === id) this.drop(turn);
  }

  /**
   * The edit that was sent as this turn can be changed again.
   * @param {string} id
   * @returns {boolean}  Whether there is one.
   */
  reject(id) {
    const found = Object.entries(this.#drafts.current.edits).find(([, edit]) => edit.id === id);
    if (found) this.#set(found[0], { ...found[1], sending: false });
    return found !== undefined;
  }

  /** Another conversation is about to be shown, and nothing more is heard of edits in this one. */
  leave() {
    for (const [turn, edit] of Object.entries(this.#drafts.current.edits)) {
      if (edit.sending) this.#set(turn, { ...edit, sending: false });
    }
  }

  /** @param {string} turn @param {Edit} edit */
  #set(turn, edit) {
    this.#drafts.change({ edits: { ...this.#drafts.current.edits, [turn]: edit } });
  }
}
