/**
 * The user's message on the screen, with its versions, and the box in which it is written anew.
 */

import { text as message } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { iconButton } from "../../ui/icon-button.js";
import { isSendKey } from "../../ui/keys.js";
import { AttachmentList } from "../attachments/attachment-view.js";
import { keep, MAX_ATTACHMENTS } from "../attachments/attachments.js";
import { fitLongText, insertText, takeLongTexts, titleOfText } from "../composer/long-text.js";
import { ask } from "../worker-link/ask.js";
import { Folding } from "./folding.js";
import { copy } from "./markdown-actions.js";
import { Versions } from "./versions.js";

/** @import {Attachment, Turn} from "../../shared/protocol.js" */
/** @import {Edits} from "./edits.js" */
/** @import {Step} from "./versions.js" */

/**
 * @typedef {object} MessageActions
 * @property {Edits} edits
 * @property {(turnId: string, text: string, attachments: Attachment[]) => void} resend  Sends an edited message.
 * @property {(turnId: string, instead: string) => void} showBranch  Shows another version in the place of one.
 * @property {() => string} conversation  The one that is shown.
 * @property {() => void} changed  An edit began or ended.
 */

export class MessageView {
  #text = el("div", { class: "bubble", dir: "auto" });
  #folding = new Folding(this.#text);
  /** @type {AttachmentList | null} */
  #chips = null;
  #edit = iconButton(message("conversation_edit"), ["pencil"], () => this.#open());
  #copy = iconButton(message("conversation_copy_message"), ["copy", "check"], () => copy(this.#turn.user, this.#copy));
  root = el(
    "article",
    { class: "user-message", "aria-label": message("conversation_you") },
    el("div", { class: "tools" }, this.#copy, this.#edit),
    this.#text,
    this.#folding.button,
  );
  /** @type {Versions} */
  #versions;
  /**
   * @type {{form: HTMLFormElement, box: HTMLTextAreaElement, send: HTMLButtonElement, cancel: HTMLButtonElement} |
   *   null}
   */
  #editor = null;
  /** @type {Turn} */
  #turn;
  #busy = false;
  /** What was drawn last: a comparison of these costs nothing, however long the message is. @type {unknown[]} */
  #drawn = [];
  /** @type {MessageActions} */
  #actions;

  /**
   * @param {Turn} turn
   * @param {MessageActions} actions
   */
  constructor(turn, actions) {
    this.#turn = turn;
    this.#actions = actions;
    this.#versions = new Versions(this.root, actions.showBranch);
    this.#copy.setAttribute("data-label", message("conversation_copy_message"));
  }

  /**
   * @param {Turn} turn
   * @param {boolean} isBusy  The branches must stay as they are.
   */
  update(turn, isBusy) {
    this.#turn = turn;
    this.#busy = isBusy;
    const edit = this.#actions.edits.get(turn.id);
    const attached = (turn.attachments ?? []).map(({ id }) => id).join(" ");
    const drawn = [turn.user, turn.siblings, isBusy, edit, edit?.sending, attached];
    if (drawn.every((value, index) => value === this.#drawn[index]) && this.#drawn.length > 0) return;
    if (turn.user !== this.#drawn[0]) {
      this.#text.textContent = turn.user;
      this.#folding.update(turn.id, turn.user);
    }
    this.#drawn = drawn;
    this.#edit.disabled = isBusy;
    this.#versions.update(turn, isBusy);
    const isOpen = edit !== undefined && !edit.aside;
    if (isOpen && !this.#editor) this.#buildEditor(edit.text);
    if (!isOpen && this.#editor) this.#removeEditor();
    this.#updateChips();
    this.#text.hidden = this.#editor !== null || turn.user === "";
    this.#copy.hidden = turn.user === "";
    this.#updateEditor();
  }

  /** @param {Step} step */
  focusVersions(step) {
    this.#versions.focus(step);
  }

  // --- editing ------------------------------------------------------------------------------------------------------

  #open() {
    const { edits, changed } = this.#actions;
    edits.write(this.#turn.id, edits.get(this.#turn.id)?.text ?? this.#turn.user);
    this.update(this.#turn, this.#busy);
    const box = this.#editor?.box;
    box?.focus();
    box?.setSelectionRange(box.value.length, box.value.length);
    changed();
  }

  /** @param {boolean} [isKept]  What was typed is there when the box is opened again. */
  #close(isKept = false) {
    const { edits } = this.#actions;
    const { id, user } = this.#turn;
    const { text = user, attachments } = edits.get(id) ?? {};
    if (isKept && (text !== user || attachments)) edits.setAside(id);
    else edits.drop(id);
    this.update(this.#turn, this.#busy);
    this.#edit.focus();
    this.#actions.changed();
  }

  /** @param {string} text */
  #buildEditor(text) {
    const box = el("textarea", {
      "aria-label": message("conversation_edited_message"),
      dir: "auto",
      rows: 1,
      autocomplete: "off",
      enterkeyhint: "send",
    });
    const send = el("button", { type: "submit", class: "primary" }, message("common_send"));
    const cancel = el("button", { type: "button", onclick: () => this.#close() }, message("common_cancel"));
    const form = el(
      "form",
      { "aria-label": message("conversation_edit_message") },
      box,
      el("div", { class: "actions" }, cancel, send),
    );
    fitLongText(box, text);
    box.value = text;
    takeLongTexts(box, (pasted) => this.#attachText(pasted));
    box.addEventListener("input", () => {
      fitLongText(box, box.value);
      this.#actions.edits.write(this.#turn.id, box.value);
      this.#updateEditor();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        // An answer under way is not meant.
        event.preventDefault();
        if (!box.readOnly) this.#close(true);
      } else if (event.target === box && isSendKey(event)) {
        event.preventDefault();
        this.#send();
      }
    });
    this.#editor = { form, box, send, cancel };
    this.#edit.hidden = true;
    this.root.insertBefore(form, this.#text);
  }

  #removeEditor() {
    this.#editor?.form.remove();
    this.#editor = null;
    this.#edit.hidden = false;
  }

  /** What goes with the message, or will go with the edited one. */
  get #attachments() {
    const edit = this.#actions.edits.get(this.#turn.id);
    return (edit && !edit.aside && edit.attachments) || (this.#turn.attachments ?? []);
  }

  /**
   * Attaches a text that was pasted.
   * @param {string} text
   * @returns {(() => void) | undefined}  Takes it away again; undefined: there is no room for it.
   */
  #attachText(text) {
    if (this.#attachments.length >= MAX_ATTACHMENTS) return undefined;
    const added = keep({ kind: "text", title: titleOfText(text) }, text).then(
      (attachment) => {
        this.#setAttachments([...this.#attachments, attachment]);
        return attachment.id;
      },
      () => {
        if (this.#editor) insertText(this.#editor.box, text);
        return "";
      },
    );
    return () => added.then((id) => this.#removeAttachment(id));
  }

  /**
   * Puts a text that was attached into the box.
   * @param {Attachment} attachment
   */
  async #putIn({ id }) {
    const conversation = this.#actions.conversation();
    const { content } = await ask({ type: "LoadAttachment", id, conversation }).catch(() => ({ content: undefined }));
    if (!this.#editor || content === undefined) return;
    insertText(this.#editor.box, content);
    this.#removeAttachment(id);
  }

  #updateChips() {
    const { edits, conversation } = this.#actions;
    const edit = edits.get(this.#turn.id);
    const isEditing = edit !== undefined && !edit.sending && !edit.aside;
    const attachments = this.#attachments;
    if (attachments.length > 0 && !this.#chips) {
      this.#chips = new AttachmentList();
      this.root.prepend(this.#chips.root);
    }
    const options = (/** @type {Attachment} */ attachment) => ({
      conversation: conversation(),
      ...(isEditing ? { onRemove: () => this.#removeAttachment(attachment.id) } : {}),
      ...(isEditing && attachment.kind === "text" ? { onPutIn: () => this.#putIn(attachment) } : {}),
    });
    this.#chips?.update(attachments, options, isEditing);
  }

  /** @param {string} id */
  #removeAttachment(id) {
    this.#setAttachments(this.#attachments.filter((each) => each.id !== id));
  }

  /** @param {Attachment[]} attachments */
  #setAttachments(attachments) {
    this.#actions.edits.write(this.#turn.id, this.#editor?.box.value ?? this.#turn.user, attachments);
    this.update(this.#turn, this.#busy);
    this.#editor?.box.focus();
  }

  #updateEditor() {
    if (!this.#editor) return;
    const { box, send, cancel, form } = this.#editor;
    const isSending = this.#actions.edits.get(this.#turn.id)?.sending === true;
    box.readOnly = isSending;
    cancel.disabled = isSending;
    send.disabled = isSending || this.#busy || (!box.value.trim() && this.#attachments.length === 0);
    send.title = message(this.#busy && !isSending ? "conversation_edit_busy" : "common_send_keys");
    form.setAttribute("aria-busy", String(isSending));
  }

  #send() {
    const { box, send } = this.#editor ?? {};
    if (box && send && !send.disabled) this.#actions.resend(this.#turn.id, box.value.trim(), this.#attachments);
  }
}
