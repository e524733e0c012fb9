/**
 * The port to the worker. Chrome ends an idle worker after 30 seconds and the port with it; that is no fault, and
 * waking the worker at once would only wear the battery. So a lost port is opened again when there is something to say,
 * or at once while something is expected.
 */

import { PANEL_PORT } from "../../shared/protocol.js";

/** @import {PanelCommand, PanelMessage} from "../../shared/protocol.js" */

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;
/** So many failures in a row are told to the user. */
const FAILURES_TO_TELL = 4;

/**
 * @typedef {object} Listener
 * @property {() => Extract<PanelCommand, {type: "Join"}>} join  What to say first.
 * @property {(message: PanelMessage) => void} onMessage
 * @property {() => void} onOpen  The panel has joined; messages that were not confirmed may be sent again.
 * @property {() => boolean} isExpecting  Whether something is still to come, so that a lost port must be opened again.
 * @property {(reason: "lost" | "failing" | "gone") => void} onTrouble  The worker was lost while something was
 *   expected; it does not come back; or this page belongs to an extension that was updated or removed.
 */

export class WorkerConnection {
  /** @type {chrome.runtime.Port | null} */
  #port = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #failures = 0;
  /** Messages of this port that the worker does not know to be drawn. */
  #received = 0;
  /** @type {Listener} */
  #listener;

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener;
  }

  /**
   * Opens the port unless it is open.
   * @returns {chrome.runtime.Port | null}  Null when there is no extension any more.
   */
  open() {
    if (this.#port) return this.#port;
    clearTimeout(this.#timer);
    if (!chrome.runtime?.id) {
      this.#listener.onTrouble("gone");
      return null;
    }
    const port = chrome.runtime.connect({ name: PANEL_PORT });
    this.#port = port;
    this.#received = 0;
    port.onMessage.addListener((message) => {
      this.#failures = 0;
      if (this.#port === port) this.#received += 1;
      this.#listener.onMessage(message);
    });
    port.onDisconnect.addListener(() => {
      void chrome.runtime.lastError; // Read, or Chrome logs it as unchecked.
      if (this.#port !== port) return;
      this.#port = null;
      this.#lost();
    });
    port.postMessage(this.#listener.join());
    this.#listener.onOpen();
    return port;
  }

  /**
   * Says something to the worker, and wakes it if need be.
   * @param {PanelCommand} command
   */
  send(command) {
    try {
      this.open()?.postMessage(command);
    } catch {
      // The port broke, and its event is yet to come.
      this.#port = null;
      this.open()?.postMessage(command);
    }
  }

  /** Asks for the whole conversation once more. */
  join() {
    this.send(this.#listener.join());
  }

  /**
   * Tells the worker that everything which has come is drawn. Never wakes it: a new port begins with nothing to tell.
   */
  acknowledge() {
    if (!this.#port || this.#received === 0) return;
    const count = this.#received;
    this.#received = 0;
    try {
      this.#port.postMessage({ type: "Ack", count });
    } catch {
      // The port broke, and its event is yet to come.
    }
  }

  #lost() {
    if (!this.#listener.isExpecting()) return;
    this.#failures += 1;
    this.#listener.onTrouble(this.#failures < FAILURES_TO_TELL ? "lost" : "failing");
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (this.#failures - 1), LONGEST_WAIT_MS);
    this.#timer = setTimeout(() => this.open(), wait);
  }
}
