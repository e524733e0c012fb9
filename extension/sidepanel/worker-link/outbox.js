/**
 * Messages on their way to the worker. The panel may be closed before the worker that it has woken is there to take
 * them, so they are kept where the next panel finds them.
 */

const PREFIX = "outbox:";

/** @import {Attachment} from "../../shared/protocol.js" */
/**
 * @typedef {{id: string, text: string, conversation: string, at: number, attachments?: Attachment[]}} Message  `at` is
 *   Unix time in milliseconds.
 */

export class Outbox {
  /** @type {Set<string>} Those that this panel looks after. */
  #own = new Set();
  #storage;

  /** @param {Storage} [storage] */
  constructor(storage = localStorage) {
    this.#storage = storage;
  }

  /** @param {Message} message */
  keep(message) {
    this.#own.add(message.id);
    try {
      this.#storage.setItem(PREFIX + message.id, JSON.stringify(message));
    } catch {
      // Too long for the little room there is: then it is sent like any other and not kept.
    }
  }

  /**
   * What panels that were closed have left, oldest first.
   * @returns {Message[]}
   */
  takeOver() {
    /** @type {Message[]} */
    const left = [];
    for (const key of Object.keys(this.#storage)) {
      if (!key.startsWith(PREFIX)) continue;
      left.push(JSON.parse(/** @type {string} */ (this.#storage.getItem(key))));
    }
    for (const { id } of left) this.#own.add(id);
    return left.sort((one, other) => one.at - other.at);
  }

  /**
   * Forgets what the worker has by now.
   * @param {string[]} unconfirmed  The messages that it does not have yet.
   */
  settle(unconfirmed) {
    for (const id of this.#own) {
      if (unconfirmed.includes(id)) continue;
      this.#own.delete(id);
      this.#storage.removeItem(PREFIX + id);
    }
  }
}
