/**
 * Messages that are being edited, by the turns that they are to replace. What was typed survives the closing of the panel like
 * the composer's draft, and stays until the worker has taken it.
 */

/** @import {Attachment} from "../protocol.js" */

/**
 * @typedef {object} Edit
 * @property {string} text
 * @property {Attachment[]} [attachments]  Those that are left; else the replaced turn's.
 * @property {string} [id]  Of the turn that it was sent as.
 * @property {string} [conversation]  That it was sent to.
 * @property {boolean} [sending]  The worker has yet to take or to reject it.
 */

/** Begins the name of an edit's place in `chrome.storage.session`: each has one of its own, since there may be other panels. */
const PLACE = "edit:";
const STORE_DELAY_MS = 200;

export class Edits {
  /** @type {Map<string, Edit>} */
  #edits = new Map();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();

  /** Brings back what was not sent when the panel was closed. */
  async restore() {
    const stored = /** @type {Record<string, Edit>} */ (await chrome.storage.session.get(null));
    for (const [place, edit] of Object.entries(stored)) {
      const turn = place.slice(PLACE.length);
      if (place.startsWith(PLACE) && !this.#edits.has(turn)) this.#edits.set(turn, { ...edit, sending: false });
    }
  }

  /** @param {string} turn */
  get(turn) {
    return this.#edits.get(turn);
  }

  /**
   * Begins an edit, or goes on with it.
   * @param {string} turn
   * @param {string} text
   * @param {Attachment[]} [attachments]
   */
  write(turn, text, attachments = this.#edits.get(turn)?.attachments) {
    this.#edits.set(turn, { text, ...(attachments ? { attachments } : {}) });
    if (!this.#timers.has(turn))
      this.#timers.set(
        turn,
        setTimeout(() => this.#store(turn), STORE_DELAY_MS),
      );
  }

  /** @param {string} turn */
  drop(turn) {
    this.#edits.delete(turn);
    this.#store(turn);
  }

  /** Writes down what is not yet. */
  flush() {
    for (const turn of this.#timers.keys()) this.#store(turn);
  }

  // --- on its way ---------------------------------------------------------------------------------------------------

  /**
   * @param {string} turn
   * @param {{id: string, text: string, conversation: string, attachments?: Attachment[]}} message
   */
  send(turn, message) {
    this.#edits.set(turn, { ...message, sending: true });
    this.#store(turn);
  }

  /** What is to be sent again after the connection broke: the worker takes each id once. */
  get unconfirmed() {
    return [...this.#edits].flatMap(([replaces, { id, text, conversation, attachments, sending }]) =>
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
    for (const [turn, edit] of this.#edits) if (edit.id === id) this.drop(turn);
  }

  /**
   * The edit that was sent as this turn can be changed again.
   * @param {string} id
   * @returns {boolean}  Whether there is one.
   */
  reject(id) {
    const edit = [...this.#edits.values()].find((each) => each.id === id);
    if (edit) edit.sending = false;
    return edit !== undefined;
  }

  /**
   * Another conversation is shown, and nothing more is heard of edits in others.
   * @param {string} conversation
   */
  show(conversation) {
    for (const edit of this.#edits.values()) if (edit.conversation !== conversation) edit.sending = false;
  }

  /** @param {string} turn */
  #store(turn) {
    clearTimeout(this.#timers.get(turn));
    this.#timers.delete(turn);
    const edit = this.#edits.get(turn);
    if (edit) chrome.storage.session.set({ [PLACE + turn]: edit });
    else chrome.storage.session.remove(PLACE + turn);
  }
}
