/**
 * Where the user writes. What is written is the draft of the conversation that is shown (`drafts/drafts.js`).
 */

import { text as message } from "../../shared/text.js";
import { isSendKey } from "../../ui/keys.js";
import { fitLongText, insertText } from "./long-text.js";

/** @import {Attachment} from "../../shared/protocol.js" */
/** @import {AttachmentTray} from "../attachments/attachments.js" */
/** @import {Drafts, DraftHandle} from "../drafts/drafts.js" */

export class Composer {
  /** @type {HTMLTextAreaElement} */
  #box;
  /** @type {HTMLButtonElement} */
  #send;
  /** @type {HTMLButtonElement} */
  #stop;
  /** @type {AttachmentTray} */
  #tray;
  /** @type {Drafts} */
  #drafts;
  /** @type {(text: string, attachments: Attachment[]) => boolean} */
  #onSend;
  #running = false;
  #ready = true;
  /** The draft that is to be sent when all that goes with it is here. @type {DraftHandle | null} */
  #due = null;
  /** The draft in the box. @type {DraftHandle | undefined} */
  #place;

  /**
   * @param {object} parts
   * @param {HTMLFormElement} parts.form
   * @param {HTMLTextAreaElement} parts.box
   * @param {HTMLButtonElement} parts.send
   * @param {HTMLButtonElement} parts.stop
   * @param {AttachmentTray} parts.tray
   * @param {Drafts} parts.drafts
   * @param {(text: string, attachments: Attachment[]) => boolean} parts.onSend  Answers whether the message is on its
   *   way; then the draft is empty.
   * @param {() => void} parts.onStop
   * @param {() => void} parts.onInput
   */
  constructor({ form, box, send, stop, tray, drafts, onSend, onStop, onInput }) {
    this.#box = box;
    this.#send = send;
    this.#stop = stop;
    this.#tray = tray;
    this.#drafts = drafts;
    this.#onSend = onSend;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.altKey && !event.isComposing) {
        // Not every system breaks the line by itself then.
        event.preventDefault();
        insertText(box, "\n");
      }
      if (!isSendKey(event)) return;
      event.preventDefault();
      this.#submit();
    });
    box.addEventListener("input", () => {
      // Who writes on has more to say.
      this.#due = null;
      this.#changed();
      onInput();
    });
    // Where the caret is, is worth no write of its own.
    box.addEventListener("blur", () => this.#keepCaret());
    stop.addEventListener("click", () => {
      onStop();
      this.focus();
    });
    // The page takes strokes before its scripts are there.
    if (box.value) this.#changed();
  }

  focus() {
    this.#box.focus();
  }

  /** Shows the draft of the conversation that is shown, or what was added to it. */
  show() {
    const { text, selection } = this.#drafts.current;
    const isOther = this.#place !== this.#drafts.shown;
    if (isOther) this.#due = null;
    this.#place = this.#drafts.shown;
    if (this.#box.value !== text) {
      fitLongText(this.#box, text);
      this.#box.value = text;
      this.#box.setSelectionRange(...(selection ?? [text.length, text.length]));
      this.#resize();
    }
    this.#tray.show();
    this.#updateSend();
  }

  /**
   * @param {object} state
   * @param {boolean} state.running  A turn is under way: Stop takes Send's place, and a message that is sent waits in
   *   line.
   * @param {boolean} state.ready  There is somebody to send to.
   */
  update({ running, ready }) {
    this.#running = running;
    this.#ready = ready;
    if (running && document.activeElement === this.#send) this.focus();
    if (!running && document.activeElement === this.#stop) this.focus();
    this.#stop.hidden = !running;
    this.#send.title = message(running ? "composer_send_queued" : "common_send_keys");
    this.#updateSend();
  }

  /** Something came into the tray, or left it. */
  trayChanged() {
    this.#updateSend();
    if (!this.#due || this.#tray.isBusy) return;
    const isShown = this.#due === this.#drafts.shown;
    this.#due = null;
    // Without what could not be attached it is another message.
    if (isShown && !this.#tray.hasFailed) this.#submit();
  }

  /**
   * Puts a text where the caret is.
   * @param {string} text
   */
  insert(text) {
    insertText(this.#box, text);
  }

  get #text() {
    return this.#box.value.trim();
  }

  /** What is in the tray can be sent without a word. */
  get #hasMessage() {
    return this.#text !== "" || this.#tray.attachments.length > 0;
  }

  #submit() {
    this.#due = this.#tray.isBusy ? this.#drafts.shown : null;
    if (!this.#hasMessage || this.#due || !this.#onSend(this.#text, this.#tray.attachments)) return;
    this.show();
    this.focus();
  }

  #changed() {
    fitLongText(this.#box, this.#box.value);
    this.#drafts.change({ text: this.#box.value, selection: this.#caret });
    this.#updateSend();
    this.#resize();
  }

  /** @returns {[number, number] | undefined}  Undefined at the end of the text. */
  get #caret() {
    const { selectionStart, selectionEnd, value } = this.#box;
    return selectionStart === value.length ? undefined : [selectionStart, selectionEnd];
  }

  #keepCaret() {
    const { text, selection } = this.#drafts.current;
    const caret = this.#caret;
    if (this.#box.value === text && String(caret) !== String(selection)) this.#drafts.change({ selection: caret });
  }

  #updateSend() {
    this.#send.hidden = this.#running && !this.#hasMessage;
    this.#send.disabled = !this.#ready || !this.#hasMessage || this.#tray.isBusy;
  }

  /** For Chrome before 123, which has no `field-sizing`. */
  #resize() {
    if (CSS.supports("field-sizing", "content")) return;
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}
