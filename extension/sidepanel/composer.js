/**
 * Where the user writes. A draft survives the closing of the panel, and nothing that was typed is lost.
 */

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
  /** @type {(text: string) => boolean} */
  #onSend;
  #running = false;
  #ready = true;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {object} parts
   * @param {HTMLFormElement} parts.form
   * @param {HTMLTextAreaElement} parts.box
   * @param {HTMLButtonElement} parts.send
   * @param {HTMLButtonElement} parts.stop
   * @param {(text: string) => boolean} parts.onSend  Answers whether the message is on its way.
   * @param {() => void} parts.onStop
   * @param {() => void} parts.onInput
   */
  constructor({ form, box, send, stop, onSend, onStop, onInput }) {
    this.#box = box;
    this.#send = send;
    this.#stop = stop;
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
   */
  putBack(text) {
    this.#box.value = [text, this.#box.value].filter(Boolean).join("\n");
    this.#changed();
    this.focus();
  }

  get #text() {
    return this.#box.value.trim();
  }

  #submit() {
    if (!this.#text || !this.#onSend(this.#text)) return;
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

  #updateSend() {
    this.#send.hidden = this.#running && !this.#text;
    this.#send.disabled = !this.#ready || !this.#text;
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
