/**
 * What is said above the box about what is written in it: another draft, a text that is too long for the model, storage
 * that fails.
 */

import { text as message, plural } from "../../shared/text.js";
import { byId } from "../../ui/dom.js";
import { estimateTokens, tokensText } from "../formats.js";

/** @import {Drafts} from "./drafts.js" */
/** @import {StoredDraft} from "../../shared/storage/drafts.js" */

/** So much of another draft is shown. */
const BEGINNING = 80;

export class DraftNotes {
  #other = byId("draft-other");
  #trouble = byId("draft-trouble");
  #length = byId("draft-length");
  #drafts;
  #window;

  /**
   * @param {object} parts
   * @param {Drafts} parts.drafts
   * @param {() => number | undefined} parts.window  The model's context window in tokens, where it is known.
   * @param {() => void} parts.onChange  The user goes on at the box.
   */
  constructor({ drafts, window, onChange }) {
    this.#drafts = drafts;
    this.#window = window;
    byId("draft-use").addEventListener("click", async () => {
      const [other] = drafts.others;
      if (other) await drafts.adopt(other);
      onChange();
    });
    byId("draft-discard").addEventListener("click", async () => {
      const [other] = drafts.others;
      if (other) await drafts.discard(other);
      onChange();
    });
  }

  /** @param {string} text  Why drafts cannot be stored; "": they can. */
  say(text) {
    show(this.#trouble, this.#trouble, text);
  }

  update() {
    const [other] = this.#drafts.others;
    show(this.#other, byId("draft-other-text"), other ? otherText(other, this.#drafts.others.length) : "");
    show(this.#length, this.#length, this.#lengthText());
  }

  #lengthText() {
    const window = this.#window();
    if (!window) return "";
    const { text, attachments } = this.#drafts.current;
    const attached = attachments.reduce((sum, { tokens }) => sum + tokens, 0);
    // No letter takes more than three bytes, so most texts need not be counted.
    const isShort = attached + text.length < window;
    const tokens = isShort ? 0 : attached + estimateTokens(text);
    if (tokens <= window) return "";
    return message("draft_too_long", tokensText(tokens), window);
  }
}

/** @param {HTMLElement} box @param {HTMLElement} place @param {string} text */
function show(box, place, text) {
  if (place.textContent !== text) place.textContent = text;
  box.hidden = text === "";
}

/** @param {StoredDraft} draft @param {number} count */
function otherText({ text, attachments, edits }, count) {
  const [first = ""] = /\S[^\r\n]*/.exec(text) ?? [];
  const edit = Object.values(edits)[0]?.text ?? "";
  const words = first || attachments[0]?.title || edit;
  const beginning = words.length > BEGINNING ? `${words.slice(0, BEGINNING)}…` : words;
  return count > 1 ? plural("draft_elsewhere_more", count - 1, beginning) : message("draft_elsewhere", beginning);
}
