/**
 * What goes with the next message. It is kept by the worker as soon as it is here, and named in `chrome.storage.session` beside the draft of
 * the text, so it survives the closing of the panel.
 */

import { ask } from "./ask.js";
import { AttachmentList } from "./attachment-view.js";
import { imageAttachment } from "./images.js";
import { estimateTokens } from "./words.js";

/** @import {Attachment} from "../protocol.js" */

/** The drafts' place in `chrome.storage.session`; `runtime/attachments.js` looks there as well. */
const DRAFTS = "attachments";
/** See `session/attachments.py`. */
const MAX_ATTACHMENTS = 10;

/**
 * What is known of an attachment that is to be made. `tokens` are estimated of a text, and needed of an image.
 * @typedef {Pick<Attachment, "kind" | "title"> & Partial<Pick<Attachment, "url" | "width" | "height" | "tokens">>} Description
 */

export class AttachmentTray {
  /** @type {Attachment[]} */
  #attachments = [];
  /** Contents that are at hand, for pictures. @type {Map<string, string>} */
  #contents = new Map();
  /** How many are being kept. */
  #keeping = 0;
  #list;
  #chips;
  #note;
  #onChange;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.list
   * @param {HTMLElement} parts.note  Says why something could not be attached.
   * @param {() => void} parts.onChange  What can be sent may have changed.
   */
  constructor({ list, note, onChange }) {
    this.#list = list;
    this.#chips = new AttachmentList(list);
    this.#note = note;
    this.#onChange = onChange;
    this.#restore();
  }

  get attachments() {
    return [...this.#attachments];
  }

  /** Whether something is on its way here: a message that was sent now would go without it. */
  get isBusy() {
    return this.#keeping > 0;
  }

  /** Whether the last thing could not be attached. */
  get hasFailed() {
    return !this.#note.hidden;
  }

  /**
   * Attaches something to the next message.
   * @param {Description} description
   * @param {string} content  The text, or the image as a `data:` URL.
   * @returns {Promise<Attachment | undefined>}  When it is kept; undefined if it cannot be, and the user was told why.
   */
  async add(description, content) {
    return this.during(async () => {
      if (this.#attachments.length >= MAX_ATTACHMENTS) {
        throw new Error(`A message can have ${MAX_ATTACHMENTS} attachments at most. Remove one first.`);
      }
      const tokens = description.tokens ?? estimateTokens(content);
      /** @type {Attachment} */
      const attachment = { ...description, id: crypto.randomUUID(), tokens, size: content.length };
      await ask({ type: "KeepAttachment", attachment, content });
      // Others may have come meanwhile.
      if (this.#attachments.length >= MAX_ATTACHMENTS) {
        await ask({ type: "DropAttachment", id: attachment.id });
        throw new Error(`A message can have ${MAX_ATTACHMENTS} attachments at most.`);
      }
      if (description.kind === "image") this.#contents.set(attachment.id, content);
      this.#attachments.push(attachment);
      this.#changed();
      this.#list.scrollTop = this.#list.scrollHeight;
      return attachment;
    });
  }

  /**
   * Attaches an image, made fit to be sent.
   * @param {Blob} blob
   * @param {string} title  The file's name, or what it shows.
   * @param {string} [url]  Of the page that it shows.
   * @returns {Promise<Attachment | undefined>}  As {@link add}.
   */
  async addImage(blob, title, url) {
    return this.during(async () => {
      const { description, content } = await imageAttachment(blob, title, url);
      return this.add(description, content);
    });
  }

  /**
   * Attaches images one after the other, in their order; of what cannot be attached it is said why.
   * @param {Iterable<File>} files
   */
  async addFiles(files) {
    await this.during(async () => {
      const wrong = new Set();
      for (const file of files) {
        if (!(await this.addImage(file, file.name || "Image"))) wrong.add(this.#note.textContent);
      }
      if (wrong.size > 0) throw new Error([...wrong].join(" "));
    });
  }

  /**
   * Does something that ends with an attachment, and shows that it is under way. What goes wrong is said here.
   * @template T
   * @param {() => Promise<T>} work  Rejects with words for the user.
   * @returns {Promise<T | undefined>}
   */
  async during(work) {
    this.#keeping += 1;
    this.say("");
    this.#draw();
    try {
      return await work();
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
      return undefined;
    } finally {
      this.#keeping -= 1;
      this.#draw();
    }
  }

  /**
   * Says why something could not be attached, until something else happens here.
   * @param {string} text
   */
  say(text) {
    this.#note.textContent = text;
    this.#note.hidden = text === "";
  }

  /** The message was sent, and all this with it. */
  clear() {
    this.#attachments = [];
    this.#contents.clear();
    this.say("");
    this.#changed();
  }

  /**
   * Puts back what went with a message that was not sent.
   * @param {Attachment[]} attachments
   */
  putBack(attachments) {
    const known = new Set(this.#attachments.map(({ id }) => id));
    this.#attachments.unshift(...attachments.filter(({ id }) => !known.has(id)));
    this.#changed();
  }

  /** @param {Attachment} attachment */
  #remove({ id }) {
    const at = this.#attachments.findIndex((each) => each.id === id);
    this.#attachments = this.#attachments.filter((each) => each.id !== id);
    this.#contents.delete(id);
    this.say("");
    this.#changed();
    // Whoever uses the keyboard goes on at the neighbour.
    const buttons = this.#list.querySelectorAll("li > button:last-child");
    const next = /** @type {HTMLElement | undefined} */ (buttons[Math.min(at, buttons.length - 1)]);
    (next ?? this.#list.closest("form")?.querySelector("textarea"))?.focus();
    // Nothing hangs on it: what no panel holds is removed in time.
    ask({ type: "DropAttachment", id }).catch(() => {});
  }

  #changed() {
    if (this.#attachments.length > 0) chrome.storage.session.set({ [DRAFTS]: this.#attachments });
    else chrome.storage.session.remove(DRAFTS);
    this.#draw();
  }

  #draw() {
    const options = (/** @type {Attachment} */ attachment) => ({
      content: this.#contents.get(attachment.id),
      onRemove: () => this.#remove(attachment),
    });
    this.#chips.update(this.#attachments, options, true);
    this.#list.setAttribute("aria-busy", String(this.isBusy));
    this.#list.hidden = this.#attachments.length === 0 && !this.isBusy;
    this.#onChange();
  }

  async #restore() {
    const { [DRAFTS]: drafts } = await chrome.storage.session.get(DRAFTS);
    if (Array.isArray(drafts) && drafts.length > 0) this.putBack(drafts);
  }
}
