/**
 * Long messages of the user, folded until they are asked for. Their whole text is on the page: it can be found, copied
 * and read out.
 */

import { text as message, plural } from "../../shared/text.js";
import { el } from "../../ui/dom.js";

/** Longer messages are folded. */
const MOST_LINES = 24;
const MOST_CHARACTERS = 1_600;

/**
 * The messages that the reader has unfolded, by turn and text's length: an edited one is another one.
 * @type {Set<string>}
 */
const unfolded = new Set();

/**
 * Whatever scrolls to a place inside of a folded message (the browser's search, a drag) or sends this to it unfolds it.
 */
export const REVEAL = "reveal";
/** Sent by what has been unfolded: the reader wants to read here, and not at the end. */
export const UNFOLDED = "unfolded";

export class Folding {
  #box;
  #button = el("button", { type: "button", class: "quiet more", hidden: true, onclick: () => this.#toggle() });
  #isFolded = false;
  #key = "";
  #size = 0;

  /** @param {HTMLElement} box  What holds the text. */
  constructor(box) {
    this.#box = box;
    const unfold = () => this.#isFolded && this.#set(false);
    box.addEventListener("scroll", unfold);
    box.addEventListener(REVEAL, unfold);
  }

  get button() {
    return this.#button;
  }

  /**
   * @param {string} id  Of the turn.
   * @param {string} text
   */
  update(id, text) {
    const lines = text.split("\n", MOST_LINES + 1).length;
    const isLong = lines > MOST_LINES || text.length > MOST_CHARACTERS;
    this.#key = `${id} ${text.length}`;
    this.#size = text.length;
    this.#isFolded = isLong && !unfolded.has(this.#key);
    this.#box.classList.toggle("folded", this.#isFolded);
    this.#button.hidden = !isLong;
    this.#label();
  }

  #toggle() {
    const scroller = this.#button.closest("#stage");
    const top = this.#button.getBoundingClientRect().top;
    const folds = !this.#isFolded;
    this.#set(folds);
    // What is folded goes from above the button, which stays under the pointer.
    if (folds && scroller) scroller.scrollTop += this.#button.getBoundingClientRect().top - top;
  }

  /** @param {boolean} folded */
  #set(folded) {
    if (folded) unfolded.delete(this.#key);
    else unfolded.add(this.#key);
    if (!folded) this.#box.dispatchEvent(new Event(UNFOLDED, { bubbles: true }));
    const inside = this.#box.scrollTop;
    this.#isFolded = folded;
    this.#box.classList.toggle("folded", folded);
    this.#box.scrollTop = 0;
    // What the browser has scrolled to inside of it stays in view.
    const scroller = this.#box.closest("#stage");
    if (scroller) scroller.scrollTop += inside;
    this.#label();
  }

  /** The words are in attributes: the text of a message is the user's alone. */
  #label() {
    const label = this.#isFolded ? plural("conversation_show_all", this.#size) : message("conversation_show_less");
    this.#button.setAttribute("aria-label", label);
    this.#button.setAttribute("data-text", label);
    this.#button.setAttribute("aria-expanded", String(!this.#isFolded));
  }
}
