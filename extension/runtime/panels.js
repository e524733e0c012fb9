/**
 * The open side panels; several are fine.
 *
 * A panel acknowledges what it has drawn. One that does not keep up (hidden, or busy) is left alone when more than {@link LIMIT}
 * characters would be on their way to it: it gets no more news, and when it has drawn all that it was sent, the whole conversation instead
 * of what it missed. So what waits for a panel is bounded, whatever the panel does.
 */

/** @import { PanelMessage } from "../protocol.js" */

/** Characters of news that may be on their way to a panel. */
export const LIMIT = 1 << 20;

class Panel {
  /** The id of the conversation that it shows; undefined before it has joined. @type {Promise<string> | undefined} */
  shown;
  /** The window that it is in. @type {number | undefined} */
  window;
  /** It misses news. */
  behind = false;
  /** Characters of news in each message that it has not acknowledged, oldest first. @type {number[]} */
  #sizes = [];
  #size = 0;

  /** @param {chrome.runtime.Port} port */
  constructor(port) {
    this.port = port;
  }

  /** @param {number} size  Whether so much more may be sent: what is larger than the limit only goes alone. */
  hasRoom(size) {
    return this.#size === 0 || this.#size + size <= LIMIT;
  }

  get drained() {
    return this.#sizes.length === 0;
  }

  /** @param {number} size */
  sent(size) {
    this.#sizes.push(size);
    this.#size += size;
  }

  /** @param {number} count */
  acknowledge(count) {
    for (const size of this.#sizes.splice(0, count)) this.#size -= size;
  }
}

export class Panels {
  /** @type {Map<number, Panel>} */
  #panels = new Map();
  #last = 0;

  /**
   * @param {chrome.runtime.Port} port
   * @returns {number}  The panel's number, from 1.
   */
  add(port) {
    this.#last += 1;
    this.#panels.set(this.#last, new Panel(port));
    return this.#last;
  }

  /** @param {number} panel */
  remove(panel) {
    this.#panels.delete(panel);
  }

  /** @param {number} panel */
  get(panel) {
    return this.#panels.get(panel);
  }

  /** The numbers of all open panels. */
  get numbers() {
    return [...this.#panels.keys()];
  }

  /**
   * To one panel, or to every open one.
   * @param {PanelMessage} message
   * @param {number} [panel]
   */
  post(message, panel) {
    for (const number of panel ? [panel] : this.numbers) this.#postTo(number, message, 0);
  }

  /**
   * Python's news for a panel.
   * @param {string} message  A `PanelMessage` as JSON.
   * @param {number} number
   */
  postNews(message, number) {
    const panel = this.#panels.get(number);
    if (!panel) return;
    /** @type {PanelMessage} */
    const parsed = JSON.parse(message);
    if (parsed.type === "Conversation") panel.behind = false;
    // Only these are made up for by the next whole conversation.
    const isPart = parsed.type === "Events" || parsed.type === "Turn";
    if (isPart) panel.behind ||= !panel.hasRoom(message.length);
    if (!isPart || !panel.behind) this.#postTo(number, parsed, message.length);
  }

  /**
   * A panel has drawn so many more of its messages.
   * @param {number} number
   * @param {number} count
   * @returns {boolean}  It has drawn everything and misses news: it needs the conversation.
   */
  acknowledge(number, count) {
    const panel = this.#panels.get(number);
    if (!panel) return false;
    panel.acknowledge(count);
    return panel.behind && panel.drained;
  }

  /** @param {number} number @param {PanelMessage} message @param {number} size */
  #postTo(number, message, size) {
    const panel = this.#panels.get(number);
    try {
      panel?.port.postMessage(message);
      panel?.sent(size);
    } catch {
      // The page has just gone; its onDisconnect follows.
      this.remove(number);
    }
  }
}
