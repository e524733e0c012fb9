/** The open side panels; several are fine. */

/** @import { PanelMessage } from "../protocol.js" */

export class Panels {
  /** @type {Map<number, chrome.runtime.Port>} */
  #ports = new Map();
  /** Those that have the conversation from Python, so that its news make sense to them. @type {Set<number>} */
  #joined = new Set();
  #last = 0;

  /**
   * @param {chrome.runtime.Port} port
   * @returns {number}  The panel's number, from 1.
   */
  add(port) {
    this.#last += 1;
    this.#ports.set(this.#last, port);
    return this.#last;
  }

  /** @param {number} panel */
  remove(panel) {
    this.#ports.delete(panel);
    this.#joined.delete(panel);
  }

  /** The numbers of all open panels. */
  get numbers() {
    return [...this.#ports.keys()];
  }

  /**
   * To one panel, or to every open one.
   * @param {PanelMessage} message
   * @param {number} [panel]
   */
  post(message, panel) {
    for (const number of panel ? [panel] : this.numbers) this.#postTo(number, message);
  }

  /**
   * Python's news: to one panel, which has thereby joined, or to all that have (0).
   * @param {string} message  A `PanelMessage` as JSON.
   * @param {number} panel
   */
  postNews(message, panel) {
    if (panel && this.#ports.has(panel)) this.#joined.add(panel);
    const receivers = panel ? [panel] : [...this.#joined];
    if (receivers.length === 0) return;
    const parsed = JSON.parse(message);
    for (const number of receivers) this.#postTo(number, parsed);
  }

  /** The Python that they had joined is gone. */
  forgetJoined() {
    this.#joined.clear();
  }

  /** @param {number} panel @param {PanelMessage} message */
  #postTo(panel, message) {
    try {
      this.#ports.get(panel)?.postMessage(message);
    } catch {
      // The page has just gone; its onDisconnect follows.
      this.remove(panel);
    }
  }
}
