/**
 * Where the user writes. A draft survives the closing of the panel, and nothing that was typed is lost.
 */

/** @import {Attachment} from "../protocol.js" */
/** @import {AttachmentTray} from "./attachments.js" */

/** The draft's place in `chrome.storage.session`: gone when the browser ends. */
const DRAFT = "draft";
const DRAFT_DELAY_MS = 200;

/**
 * Whether this stroke means that the message in the box is to be sent.
 * @param {KeyboardEvent} event
 */
export function isSendKey(event) {
  // 229 is what a key that belongs to an input method reports at its last stroke.
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

export class Composer {
  /** @type {HTMLTextAreaElement} */
  #box;
  /** @type {HTMLButtonElement} */
  #send;
  /** @type {HTMLButtonElement} */
  #stop;
  /** @type {AttachmentTray} */
  #tray;
  /** @type {(text: string, attachments: Attachment[]) => boolean} */
  #onSend;
  #running = false;
  #ready = true;
  /** The message is to be sent when all that goes with it is here. */
  #isDue = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} parts
   * @param {HTMLFormElement} parts.form
   * @param {HTMLTextAreaElement} parts.box
   * @param {HTMLButtonElement} parts.send
   * @param {HTMLButtonElement} parts.stop
   * @param {AttachmentTray} parts.tray
   * @param {(text: string, attachments: Attachment[]) => boolean} parts.onSend  Answers whether the message is on its way.
   * @param {() => void} parts.onStop
   * @param {() => void} parts.onInput
   */
  constructor({ form, box, send, stop, tray, onSend, onStop, onInput }) {
    this.#box = box;
    this.#send = send;
    this.#stop = stop;
    this.#tray = tray;
    this.#onSend = onSend;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    box.addEventListener("keydown", (event) => {
      if (!isSendKey(event)) return;
      event.preventDefault();
      this.#submit();
    });
    box.addEventListener("input", () => {
      // Who writes on has more to say.
      this.#isDue = false;
      this.#changed();
      onInput();
    });
    stop.addEventListener("click", () => {
      onStop();
      this.focus();
    });
    addEventListener("pagehide", () => this.#store());
    this.#restore();
  }

  focus() {
    this.#box.focus();
  }

  /**
   * @param {object} state
   * @param {boolean} state.running  A turn is under way: Stop takes Send's place, and a message that is sent waits in line.
   * @param {boolean} state.ready  There is somebody to send to.
   */
  update({ running, ready }) {
    this.#running = running;
    this.#ready = ready;
    if (running && document.activeElement === this.#send) this.focus();
    if (!running && document.activeElement === this.#stop) this.focus();
    this.#stop.hidden = !running;
    this.#send.title = running ? "Send when the answer is done (Enter)" : "Send (Enter)";
    this.#updateSend();
  }

  /**
   * Puts a message back that could not be sent, before what has been typed since.
   * @param {string} text
   * @param {Attachment[]} attachments
   */
  putBack(text, attachments) {
    this.#tray.putBack(attachments);
    this.#box.value = [text, this.#box.value].filter(Boolean).join("\n");
    this.#changed();
    this.focus();
  }

  get #text() {
    return this.#box.value.trim();
  }

  /** What is in the tray can be sent without a word. */
  get #hasMessage() {
    return this.#text !== "" || this.#tray.attachments.length > 0;
  }

  #submit() {
    this.#isDue = this.#tray.isBusy;
    if (!this.#hasMessage || this.#isDue || !this.#onSend(this.#text, this.#tray.attachments)) return;
    this.#tray.clear();
    this.#box.value = "";
    this.#changed();
    this.focus();
  }

  #changed() {
    this.#updateSend();
    this.#resize();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#store(), DRAFT_DELAY_MS);
  }

  /** Something came into the tray, or left it. */
  trayChanged() {
    this.#updateSend();
    if (!this.#isDue || this.#tray.isBusy) return;
    this.#isDue = false;
    // Without what could not be attached it is another message.
    if (!this.#tray.hasFailed) this.#submit();
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

  #store() {
    clearTimeout(this.#timer);
    if (this.#box.value) chrome.storage.session.set({ [DRAFT]: this.#box.value });
    else chrome.storage.session.remove(DRAFT);
  }

  async #restore() {
    const { [DRAFT]: draft } = await chrome.storage.session.get(DRAFT);
    if (typeof draft !== "string" || this.#box.value) return;
    this.#box.value = draft;
    this.#changed();
  }
}
