/**
 * Finds text in the conversation that is shown, also in turns that are not loaded yet. Places are marked with the CSS
 * Custom Highlight API, so the page stays as it is: a selection, the keyboard's focus and an answer that grows are not
 * disturbed.
 */

import { fold, termsOf } from "../../shared/fold.js";
import { text } from "../../shared/text.js";
import { isComposing } from "../../ui/keys.js";
import { FindHits, rangeOf } from "./find-hits.js";
import { scrollTo, unfold } from "./find-ranges.js";

/** @import { Place } from "../../shared/protocol.js" */
/** @import { Hit } from "./find-hits.js" */

const TYPING_MS = 100;
/** The shortest time between two looks through an answer that grows. */
const GROWING_MS = 200;
/** Events by which the reader moves to another place. */
const READER_EVENTS = ["wheel", "touchmove", "pointerdown", "keydown"];

/** @typedef {Place & {conversation: string, query: string, hasAsked?: boolean}} Wanted */

/**
 * @typedef {object} Conversation  What is shown.
 * @property {string} id
 * @property {number} earlier  How many turns are not loaded yet.
 */

export class Find {
  #bar;
  #box;
  #count;
  #status;
  #scroller;
  #links;
  #hits;
  /** The mark of the current hit. */
  #mark = new Highlight();
  /** @type {{hit: Hit, range: Range} | null} */
  #current = null;
  /** The place of a search to go to, as soon as it is there. @type {Wanted | null} */
  #wanted = null;
  /**
   * The elements of the turn that is gone to: their text may be drawn in the frames that follow.
   * @type {Element[] | null}
   */
  #target = null;
  /** @type {Conversation} */
  #conversation = { id: "", earlier: 0 };
  /** Where the focus was. @type {Element | null} */
  #before = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isDue = false;
  /**
   * Whether the current place is brought into view again when something is drawn around it. It is, until the reader
   * does something.
   */
  #isKeptInView = false;

  /**
   * @param {object} links
   * @param {HTMLElement} links.bar
   * @param {HTMLElement} links.log
   * @param {HTMLElement} links.scroller
   * @param {() => void} links.loadEarlier
   * @param {(turn: string) => void} links.showBranch
   * @param {(turn: string) => Element[]} links.articlesOf  The elements of a turn.
   * @param {() => void} links.leaveEnd  The reader looks at something else than the end.
   * @param {() => void} links.focusElsewhere  What had the focus before is gone.
   */
  constructor({ bar, log, scroller, ...links }) {
    this.#bar = bar;
    this.#scroller = scroller;
    this.#links = links;
    this.#box = /** @type {HTMLInputElement} */ (bar.querySelector("input"));
    this.#count = /** @type {HTMLElement} */ (bar.querySelector(".find-count"));
    this.#status = /** @type {HTMLElement} */ (bar.querySelector("[role=status]"));
    this.#hits = new FindHits(log, scroller);
    this.#mark.priority = 1;
    CSS.highlights.set("found-current", this.#mark);
    const [previous, next, close] = bar.querySelectorAll("button");
    previous.addEventListener("click", () => this.#step(-1));
    next.addEventListener("click", () => this.#step(1));
    close.addEventListener("click", () => this.close());
    this.#box.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#search(this.#typed), TYPING_MS);
    });
    document.addEventListener("keydown", (event) => this.#onKey(event));
    const onChange = (/** @type {MutationRecord[]} */ records) => this.#onChange(records);
    new MutationObserver(onChange).observe(log, { childList: true, characterData: true, subtree: true });
    new ResizeObserver(() => this.#keepInView()).observe(log);
    for (const type of READER_EVENTS) {
      const letGo = () => {
        this.#isKeptInView = false;
      };
      document.addEventListener(type, letGo, { capture: true, passive: true });
    }
  }

  get isOpen() {
    return !this.#bar.hidden;
  }

  /** What is typed in the bar, as terms to look for. */
  get #typed() {
    return [fold(this.#box.value).trim()].filter(Boolean);
  }

  /** Shows the bar, with the focus in it. */
  open() {
    if (!this.isOpen) {
      this.#before = document.activeElement;
      this.#bar.hidden = false;
      if (this.#box.value) this.#search(this.#typed);
    }
    this.#box.focus();
    this.#box.select();
  }

  /** Takes the bar and the marks away; the focus returns to where it was. */
  close() {
    if (!this.isOpen) return;
    const hadFocus = this.#bar.contains(document.activeElement);
    this.#bar.hidden = true;
    this.#wanted = null;
    this.#search([]);
    if (!hadFocus) return;
    const before = /** @type {HTMLElement | null} */ (this.#before);
    if (before?.isConnected && before !== document.body && before.getClientRects().length > 0) before.focus();
    else this.#links.focusElsewhere();
  }

  /**
   * Goes to a place that a search has found, when its conversation is shown.
   * @param {Wanted} wanted
   */
  seek(wanted) {
    this.#wanted = wanted;
  }

  /**
   * Something was drawn.
   * @param {Conversation} conversation
   */
  drawn({ id, earlier }) {
    const isOther = id !== this.#conversation.id;
    this.#conversation = { id, earlier };
    if (isOther && this.isOpen && this.#wanted?.conversation !== id) this.close();
    if (this.#wanted?.conversation === id) this.#goToWanted(this.#wanted);
    if (this.isOpen && this.#hits.isSearching && earlier > 0) this.#links.loadEarlier();
    this.#show();
  }

  /** @param {Wanted} wanted */
  #goToWanted(wanted) {
    const articles = this.#links.articlesOf(wanted.turn);
    if (articles.length === 0) {
      const isLoaded = this.#conversation.earlier === 0;
      if (!wanted.hasAsked && (wanted.elsewhere || isLoaded)) {
        wanted.hasAsked = true;
        this.#links.showBranch(wanted.turn);
      } else if (!isLoaded) this.#links.loadEarlier();
      return;
    }
    this.#wanted = null;
    this.#before = null;
    this.#bar.hidden = false;
    this.#box.value = wanted.query;
    this.#box.focus();
    this.#search(termsOf(wanted.query), articles);
  }

  // --- looking ------------------------------------------------------------------------------------------------------

  /**
   * @param {string[]} terms
   * @param {Element[]} [articles]  Where to begin; else where the reader is.
   */
  #search(terms, articles) {
    clearTimeout(this.#timer);
    const before = this.#current?.range;
    this.#current = null;
    this.#target = articles ?? null;
    this.#isDue = false;
    this.#hits.search(terms);
    const first = articles
      ? this.#hits.firstIn(articles)
      : ((before && this.#hits.firstFrom(before)) ?? this.#hits.nearest());
    if (first) this.#goTo(first);
    else if (articles) {
      this.#links.leaveEnd();
      articles[0].scrollIntoView({ block: "start" });
    }
    this.#show();
    if (terms.length > 0 && this.#conversation.earlier > 0) this.#links.loadEarlier();
  }

  /** @param {MutationRecord[]} records */
  #onChange(records) {
    if (!this.isOpen || !this.#hits.isSearching) return;
    this.#hits.forget(records);
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => this.#lookAgain(), GROWING_MS);
  }

  /** Looks through what has changed. The current hit stays the current one. */
  #lookAgain() {
    if (!this.isOpen) return;
    this.#isDue = false;
    this.#hits.update();
    if (this.#current) {
      this.#setCurrent(this.#hits.successorOf(this.#current.hit, this.#current.range));
      this.#keepInView();
    } else {
      const next = this.#target ? this.#hits.firstIn(this.#target) : this.#hits.nearest();
      if (next) this.#goTo(next);
    }
    this.#show();
  }

  // --- going --------------------------------------------------------------------------------------------------------

  /** @param {1 | -1} by */
  #step(by) {
    const hadHits = this.#hits.length > 0;
    if (this.#isDue) this.#lookAgain();
    if (!hadHits || this.#hits.length === 0) return;
    const index = this.#hits.indexOf(this.#current?.hit);
    this.#goTo(index < 0 ? /** @type {Hit} */ (this.#hits.nearest()) : this.#hits.at(index + by));
    this.#show();
  }

  /** @param {Hit} hit */
  #goTo(hit) {
    this.#target = null;
    this.#setCurrent(hit);
    this.#links.leaveEnd();
    unfold(rangeOf(hit));
    this.#isKeptInView = true;
    this.#keepInView();
    // What came into sight has its height with the next frame.
    requestAnimationFrame(() => this.#keepInView());
  }

  #keepInView() {
    if (this.isOpen && this.#isKeptInView && this.#current) scrollTo(this.#current.range, this.#scroller);
  }

  /** @param {Hit | undefined} hit */
  #setCurrent(hit) {
    this.#mark.clear();
    this.#current = hit ? { hit, range: rangeOf(hit) } : null;
    if (this.#current) this.#mark.add(this.#current.range);
  }

  /** Shows how many hits there are, and which of them is the current one. */
  #show() {
    if (!this.isOpen) return;
    const { length, isSearching } = this.#hits;
    const isLooking = isSearching && this.#conversation.earlier > 0;
    const { hit } = this.#current ?? {};
    const at = this.#hits.indexOf(hit) + 1;
    const count = isSearching ? `${at}/${length}${isLooking ? "…" : ""}` : "";
    if (this.#count.textContent !== count) this.#count.textContent = count;
    this.#bar.classList.toggle("none", isSearching && length === 0 && !isLooking);
    const around = hit ? hit.places.around(hit.index) : "";
    const found = text(isLooking ? "find_place_so_far" : "find_place", at, length, around);
    const none = text(isLooking ? "find_looking" : "find_not_found");
    const status = isSearching ? (length > 0 ? found : none) : "";
    if (this.#status.textContent !== status) this.#status.textContent = status;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (isComposing(event) || document.querySelector("dialog[open]")) return;
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey;
    const key = event.key.toLowerCase();
    const inBox = event.target === this.#box;
    if (isCommand && key === "f" && !event.shiftKey) {
      event.preventDefault();
      this.open();
    } else if (key === "f3" || (isCommand && key === "g")) {
      event.preventDefault();
      if (this.isOpen) this.#step(event.shiftKey ? -1 : 1);
      else this.open();
    } else if (inBox && key === "enter") {
      event.preventDefault();
      this.#step(event.shiftKey ? -1 : 1);
    } else if (this.isOpen && key === "escape" && !event.defaultPrevented) {
      // The key is not meant to stop an answer that is being written.
      event.preventDefault();
      this.close();
    }
  }
}
