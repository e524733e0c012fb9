/** The form for the passphrase, which stands in the way as long as the key is locked. */

import { text } from "../../shared/text.js";
import { byId } from "../../ui/dom.js";

/** @import {TurnError} from "../../shared/protocol.js" */

export class Unlock {
  /** A passphrase was sent, and the worker has yet to say whether it is right. */
  isWaiting = false;
  /** @type {boolean | undefined} */
  #isLocked;
  #box = byId("locked");
  /** @type {HTMLInputElement} */
  #passphrase = byId("passphrase");
  #error = byId("unlock-error");
  #onDone;

  /**
   * @param {object} parts
   * @param {(passphrase: string) => void} parts.onPassphrase
   * @param {() => void} parts.onDone  The key is open.
   */
  constructor({ onPassphrase, onDone }) {
    this.#onDone = onDone;
    byId("unlock").addEventListener("submit", (event) => {
      event.preventDefault();
      const { value } = this.#passphrase;
      if (!value) {
        this.#showError({ kind: "configuration", message: text("unlock_empty") });
        return;
      }
      this.isWaiting = true;
      this.#error.hidden = true;
      this.#passphrase.removeAttribute("aria-invalid");
      onPassphrase(value);
    });
  }

  /** Leads there whoever wants to send. */
  focus() {
    this.#passphrase.focus();
  }

  /** @param {boolean} isLocked */
  show(isLocked) {
    const was = this.#isLocked;
    if (was === isLocked) return;
    this.#isLocked = isLocked;
    this.#box.hidden = !isLocked;
    if (isLocked) this.#passphrase.focus();
    else if (was) this.#close();
  }

  /**
   * @param {TurnError} error
   * @returns {boolean}  Whether it was the passphrase that was rejected.
   */
  rejected(error) {
    if (!this.isWaiting) return false;
    this.isWaiting = false;
    this.#showError(error);
    return true;
  }

  /** @param {TurnError} error */
  #showError({ message, hint }) {
    this.#error.textContent = [message, hint].filter(Boolean).join(" ");
    this.#error.hidden = false;
    this.#passphrase.setAttribute("aria-invalid", "true");
    this.#passphrase.focus();
    // What is typed next takes its place.
    this.#passphrase.select();
  }

  #close() {
    this.isWaiting = false;
    this.#passphrase.value = "";
    this.#error.hidden = true;
    this.#onDone();
  }
}
