/**
 * What goes with the next message. It is kept by the worker as soon as it is here, and named in the draft of the
 * conversation in which it was attached, so it survives the closing of the panel.
 */

import { toTurnError } from "../../shared/errors.js";
import { keepAttachment } from "../../shared/storage/attachments.js";
import { text as message, plural } from "../../shared/text.js";
import { estimateTokens } from "../formats.js";
import { ask } from "../worker-link/ask.js";
import { AttachmentList } from "./attachment-view.js";
import { imageAttachment } from "./images.js";

/** @import {Attachment} from "../../shared/protocol.js" */
/** @import {Description} from "./images.js" */
/** @import {Drafts, DraftHandle} from "../drafts/drafts.js" */

/** See `session/attachments.py`. */
export const MAX_ATTACHMENTS = 10;

export class AttachmentTray {
  /** Contents that are at hand: pictures, and texts that go back into the message. @type {Map<string, string>} */
  #contents = new Map();
  /** Where something is being kept, once for each. @type {DraftHandle[]} */
  #keeping = [];
  /** The draft that is drawn. @type {DraftHandle | undefined} */
  #place;
  #drafts;
  #list;
  #chips;
  #note;
  #onChange;
  #onText;

  /**
   * @param {object} parts
   * @param {Drafts} parts.drafts
   * @param {HTMLElement} parts.list
   * @param {HTMLElement} parts.note  Says why something could not be attached.
   * @param {() => void} parts.onChange  What can be sent may have changed.
   * @param {(text: string) => void} [parts.onText]  A text is to be put into the message.
   */
  constructor({ drafts, list, note, onChange, onText = () => {} }) {
    this.#drafts = drafts;
    this.#list = list;
    this.#chips = new AttachmentList(list);
    this.#note = note;
    this.#onChange = onChange;
    this.#onText = onText;
  }

  get attachments() {
    return [...this.#drafts.current.attachments];
  }

  /** Whether something is on its way here: a message that was sent now would go without it. */
  get isBusy() {
    return this.#keeping.includes(this.#drafts.shown);
  }

  /** Whether the last thing could not be attached. */
  get hasFailed() {
    return !this.#note.hidden;
  }

  /** Draws what the draft holds that is shown. */
  show() {
    if (this.#place !== this.#drafts.shown) this.say("");
    this.#place = this.#drafts.shown;
    this.#draw();
  }

  /**
   * Attaches something to the next message.
   * @param {Description} description
   * @param {string} content  The text, or the image as a `data:` URL.
   * @param {DraftHandle} [place]  The draft that it was meant for; another one may be shown by now.
   * @returns {Promise<Attachment | undefined>}  When it is kept; undefined if it cannot be, and the user was told why.
   */
  async add(description, content, place = this.#drafts.shown) {
    return this.during(async () => {
      checkRoom(place);
      const attachment = await keep(description, content);
      try {
        // Others may have come meanwhile.
        checkRoom(place);
      } catch (error) {
        await ask({ type: "DropAttachment", id: attachment.id });
        throw error;
      }
      if (description.kind === "image" || description.kind === "text") this.#contents.set(attachment.id, content);
      this.#drafts.attach(attachment, place);
      this.#draw();
      this.#list.scrollTop = this.#list.scrollHeight;
      return attachment;
    }, place);
  }

  /**
   * Attaches an image, made fit to be sent.
   * @param {Blob} blob
   * @param {string} title  The file's name, or what it shows.
   * @param {string} [url]  Of the page that it shows.
   * @param {DraftHandle} [place]  As for {@link add}.
   * @returns {Promise<Attachment | undefined>}  As {@link add}.
   */
  async addImage(blob, title, url, place = this.#drafts.shown) {
    return this.during(async () => {
      const { description, content } = await imageAttachment(blob, title, url);
      return this.add(description, content, place);
    }, place);
  }

  /**
   * Attaches images one after the other, in their order; of what cannot be attached it is said why.
   * @param {Iterable<File>} files
   */
  async addFiles(files) {
    const place = this.#drafts.shown;
    await this.during(async () => {
      const wrong = new Set();
      for (const file of files) {
        if (!(await this.addImage(file, file.name || message("attachments_image"), undefined, place)))
          wrong.add(this.#note.textContent);
      }
      if (wrong.size > 0) throw new Error([...wrong].join(" "));
    }, place);
  }

  /**
   * Does something that ends with an attachment, and shows that it is under way. What goes wrong is said here.
   * @template T
   * @param {(place: DraftHandle) => Promise<T>} work  Rejects with words for the user.
   * @param {DraftHandle} [place]  As for {@link add}.
   * @returns {Promise<T | undefined>}
   */
  async during(work, place = this.#drafts.shown) {
    this.#keeping.push(place);
    this.say("");
    this.#draw();
    try {
      return await work(place);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
      return undefined;
    } finally {
      this.#keeping.splice(this.#keeping.indexOf(place), 1);
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

  /** @param {Attachment} attachment */
  remove({ id }) {
    const { attachments } = this.#drafts.current;
    const at = attachments.findIndex((each) => each.id === id);
    this.#contents.delete(id);
    this.say("");
    this.#drafts.change({ attachments: attachments.filter((each) => each.id !== id) });
    this.#draw();
    // Whoever uses the keyboard goes on at the neighbour.
    const buttons = this.#list.querySelectorAll("li > button:last-child");
    const next = /** @type {HTMLElement | undefined} */ (buttons[Math.min(at, buttons.length - 1)]);
    (next ?? this.#list.closest("form")?.querySelector("textarea"))?.focus();
    // Nothing hangs on it: what no draft names is removed in time.
    ask({ type: "DropAttachment", id }).catch(() => {});
  }

  /**
   * Puts a text that was attached into the message.
   * @param {Attachment} attachment
   */
  async #putIn(attachment) {
    const { id } = attachment;
    const place = this.#drafts.shown;
    await this.during(async () => {
      const content = this.#contents.get(id) ?? (await ask({ type: "LoadAttachment", id })).content ?? "";
      if (place !== this.#drafts.shown || !this.attachments.some((each) => each.id === id)) return;
      this.#onText(content);
      this.remove(attachment);
      this.#list.closest("form")?.querySelector("textarea")?.focus();
    }, place);
  }

  #draw() {
    const { attachments } = this;
    const options = (/** @type {Attachment} */ attachment) => ({
      content: attachment.kind === "image" ? this.#contents.get(attachment.id) : undefined,
      onRemove: () => this.remove(attachment),
      ...(attachment.kind === "text" ? { onPutIn: () => this.#putIn(attachment) } : {}),
    });
    this.#chips.update(attachments, options, true);
    this.#list.setAttribute("aria-busy", String(this.isBusy));
    this.#list.hidden = attachments.length === 0 && !this.isBusy;
    this.#onChange();
  }
}

/** @param {DraftHandle} place */
function checkRoom({ draft }) {
  if (draft.attachments.length < MAX_ATTACHMENTS) return;
  throw new Error(plural("attachments_too_many", MAX_ATTACHMENTS));
}

/**
 * Keeps what is to be attached. A long text goes to the disk from here: the worker may be busy for seconds, and need
 * not see it.
 * @param {Description} description
 * @param {string} content
 * @returns {Promise<Attachment>}
 */
export async function keep(description, content) {
  const tokens = description.tokens ?? estimateTokens(content);
  /** @type {Attachment} */
  const attachment = { ...description, id: crypto.randomUUID(), tokens, size: content.length };
  if (description.kind !== "text") await ask({ type: "KeepAttachment", attachment, content });
  else await keepAttachment(attachment, content).catch(rethrow);
  return attachment;
}

/** @param {unknown} error @returns {never} */
function rethrow(error) {
  const { message, hint } = toTurnError(error);
  throw new Error([message, hint].filter(Boolean).join(" "));
}
