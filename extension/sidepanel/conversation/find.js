/**
 * Finds text in the conversation that is shown, also in turns that are not loaded yet. Places are marked with the CSS Custom Highlight API, so the page
 * stays as it is: a selection, the keyboard's focus and an answer that grows are not disturbed.
 */

import { fold, termsOf } from "../../shared/fold.js";
import { isComposing } from "../../ui/keys.js";
import { REVEAL } from "./folding.js";
import { TextPlaces } from "./text-places.js";

/** @import { Place } from "../../shared/protocol.js" */

const TYPING_MS = 100;
/** An answer that grows is looked through so often at most. */
const GROWING_MS = 200;
/** More are counted, and not marked: each mark has to follow the text's changes. */
const MOST_MARKED = 2_000;
/** With these the reader goes elsewhere. */
const READER_EVENTS = ["wheel", "touchmove", "pointerdown", "keydown"];

/** @typedef {{places: TextPlaces, index: number, article: Element}} Hit */
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
  #log;
  #scroller;
  #links;
  #all = new Highlight();
  #one = new Highlight();
  /** @type {string[]} */
  #terms = [];
  /** What was found in each message and answer; absent where the page has changed. @type {Map<Element, TextPlaces>} */
  #known = new Map();
  /** @type {Hit[]} */
  #hits = [];
  /** @type {{hit: Hit, range: Range} | null} */
  #current = null;
  /** The place of a search to go to, as soon as it is there. @type {Wanted | null} */
  #wanted = null;
  /** What stands on the page of the turn that is gone to: its text may be drawn in the frames that follow. @type {Element[] | null} */
  #target = null;
  /** @type {Conversation} */
  #conversation = { id: "", earlier: 0 };
  /** Where the focus was. @type {Element | null} */
  #before = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isDue = false;
  /** Whether the current place is brought into view again when what is drawn or coloured around it moves it: until the reader does something. */
  #isKeptInView = false;

  /**
   * @param {object} links
   * @param {HTMLElement} links.bar
   * @param {HTMLElement} links.log
   * @param {HTMLElement} links.scroller
   * @param {() => void} links.loadEarlier
   * @param {(turn: string) => void} links.showBranch
   * @param {(turn: string) => Element[]} links.articlesOf  What stands on the page of a turn.
   * @param {() => void} links.leaveEnd  The reader looks at something else than the end.
   * @param {() => void} links.focusElsewhere  What had the focus before is gone.
   */
  constructor({ bar, log, scroller, ...links }) {
    this.#bar = bar;
    this.#log = log;
    this.#scroller = scroller;
    this.#links = links;
    this.#box = /** @type {HTMLInputElement} */ (bar.querySelector("input"));
    this.#count = /** @type {HTMLElement} */ (bar.querySelector(".find-count"));
    this.#status = /** @type {HTMLElement} */ (bar.querySelector("[role=status]"));
    this.#one.priority = 1;
    CSS.highlights.set("found", this.#all);
    CSS.highlights.set("found-current", this.#one);
    const [previous, next, close] = bar.querySelectorAll("button");
    previous.addEventListener("click", () => this.#step(-1));
    next.addEventListener("click", () => this.#step(1));
    close.addEventListener("click", () => this.close());
    this.#box.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#search([fold(this.#box.value).trim()].filter(Boolean)), TYPING_MS);
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

  /** Shows the bar, with the focus in it. */
  open() {
    if (!this.isOpen) {
      this.#before = document.activeElement;
      this.#bar.hidden = false;
      if (this.#box.value) this.#search([fold(this.#box.value).trim()].filter(Boolean));
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
    if (this.isOpen && this.#terms.length > 0 && earlier > 0) this.#links.loadEarlier();
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
    const at = this.#current?.range;
    this.#terms = terms;
    this.#known.clear();
    this.#current = null;
    this.#target = articles ?? null;
    this.#look();
    const first = articles
      ? this.#firstOf(articles)
      : (this.#hits.find((hit) => at && isAtOrAfter(rangeOf(hit), at)) ?? this.#nearest());
    if (first) this.#goTo(first);
    else if (articles) {
      this.#links.leaveEnd();
      articles[0].scrollIntoView({ block: "start" });
    }
    this.#show();
    if (terms.length > 0 && this.#conversation.earlier > 0) this.#links.loadEarlier();
  }

  /** Looks through what has changed. */
  #look() {
    this.#isDue = false;
    const articles = [...this.#log.children];
    const here = new Set(articles);
    for (const article of this.#known.keys()) if (!here.has(article)) this.#known.delete(article);
    this.#hits = [];
    if (this.#terms.length > 0) {
      for (const article of articles) {
        let places = this.#known.get(article);
        if (!places) {
          places = new TextPlaces(article, this.#terms);
          this.#known.set(article, places);
        }
        for (const index of places.places.keys()) this.#hits.push({ places, index, article });
      }
    }
    this.#all.clear();
    for (const hit of this.#hits.slice(0, MOST_MARKED)) this.#all.add(rangeOf(hit));
  }

  /** @param {MutationRecord[]} records */
  #onChange(records) {
    if (!this.isOpen || this.#terms.length === 0) return;
    for (const { target } of records) {
      let node = /** @type {Node | null} */ (target);
      while (node && node.parentNode !== this.#log) node = node.parentNode;
      if (node) this.#known.delete(/** @type {Element} */ (node));
    }
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => this.#lookAgain(), GROWING_MS);
  }

  /** The current place stays the current one. */
  #lookAgain() {
    if (!this.isOpen) return;
    this.#look();
    const { hit, range } = this.#current ?? {};
    if (!hit || !range) {
      const next = this.#target ? this.#firstOf(this.#target) : this.#nearest();
      if (next) this.#goTo(next);
    } else {
      const { start } = hit.places.places[hit.index];
      const isSame = (/** @type {Hit} */ { article, places, index }) =>
        article === hit.article && places.places[index].start >= start;
      this.#mark(
        this.#hits.find(isSame) ?? this.#hits.find((each) => isAtOrAfter(rangeOf(each), range)) ?? this.#hits.at(-1),
      );
      this.#keepInView();
    }
    this.#show();
  }

  /**
   * Where to begin in a turn: with what it has least of, for that tells most.
   * @param {Element[]} articles
   */
  #firstOf(articles) {
    const here = this.#hits.filter(({ article }) => articles.includes(article));
    const counts = this.#terms.map(
      (term) => here.filter(({ places, index }) => places.places[index].term === term).length,
    );
    const least = counts.filter(Boolean).reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
    const term = this.#terms[counts.indexOf(least)];
    return here.find(({ places, index }) => places.places[index].term === term);
  }

  /** The first place at or below the top of what is in view; else the last one. */
  #nearest() {
    const { top } = this.#scroller.getBoundingClientRect();
    let low = 0;
    let high = this.#hits.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rectOf(rangeOf(this.#hits[middle])).bottom < top) low = middle + 1;
      else high = middle;
    }
    return this.#hits[low] ?? this.#hits.at(-1);
  }

  // --- going --------------------------------------------------------------------------------------------------------

  /** @param {1 | -1} by */
  #step(by) {
    const { length } = this.#hits;
    if (this.#isDue) this.#lookAgain();
    if (length === 0) return;
    const at = this.#position();
    this.#goTo(at < 0 ? /** @type {Hit} */ (this.#nearest()) : this.#hits[(at + by + length) % length]);
    this.#show();
  }

  #position() {
    const { hit } = this.#current ?? {};
    return this.#hits.findIndex(({ places, index }) => places === hit?.places && index === hit.index);
  }

  /** @param {Hit} hit */
  #goTo(hit) {
    this.#target = null;
    this.#mark(hit);
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
  #mark(hit) {
    this.#one.clear();
    this.#current = hit ? { hit, range: rangeOf(hit) } : null;
    if (this.#current) this.#one.add(this.#current.range);
  }

  /** Says how many there are and which one is shown. */
  #show() {
    if (!this.isOpen) return;
    const { earlier } = this.#conversation;
    const { length } = this.#hits;
    const isLooking = this.#terms.length > 0 && earlier > 0;
    const at = this.#position() + 1;
    const count = this.#terms.length === 0 ? "" : `${at}/${length}${isLooking ? "…" : ""}`;
    if (this.#count.textContent !== count) this.#count.textContent = count;
    this.#bar.classList.toggle("none", length === 0 && this.#terms.length > 0 && !isLooking);
    const status =
      this.#terms.length === 0
        ? ""
        : length === 0
          ? isLooking
            ? "Looking through earlier messages"
            : "Not found"
          : `${at} of ${length}${isLooking ? " so far" : ""}: ${this.#current ? this.#current.hit.places.around(this.#current.hit.index) : ""}`;
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
      // What runs is not meant.
      event.preventDefault();
      this.close();
    }
  }
}

/** @param {Hit} hit */
function rangeOf({ places, index }) {
  return places.range(index);
}

/** @param {Range} range @param {Range} other */
function isAtOrAfter(range, other) {
  return range.compareBoundaryPoints(Range.START_TO_START, other) >= 0;
}

/** @param {Range} range */
function parentOf({ startContainer }) {
  return /** @type {Element} */ (startContainer instanceof Element ? startContainer : startContainer.parentElement);
}

/** Where it is, or where what it is folded into is. @param {Range} range */
function rectOf(range) {
  const rect = range.getBoundingClientRect();
  if (rect.height > 0) return rect;
  const folded = parentOf(range).closest("details:not([open])") ?? parentOf(range);
  return folded.getBoundingClientRect();
}

/** Opens all that a place is folded into. @param {Range} range */
function unfold(range) {
  for (let node = /** @type {Element | null} */ (parentOf(range)); node; node = node.parentElement) {
    if (node instanceof HTMLDetailsElement) node.open = true;
  }
  parentOf(range).dispatchEvent(new Event(REVEAL, { bubbles: true }));
}

/**
 * Brings a place into the middle of what is in view, unless it is well in view; and into view sideways, in code and tables.
 * @param {Range} range
 * @param {HTMLElement} scroller
 */
function scrollTo(range, scroller) {
  for (
    let node = /** @type {Element | null} */ (parentOf(range));
    node && node !== scroller;
    node = node.parentElement
  ) {
    if (node.scrollWidth <= node.clientWidth || getComputedStyle(node).overflowX === "visible") continue;
    const [inner, outer] = [range.getBoundingClientRect(), node.getBoundingClientRect()];
    if (inner.left < outer.left || inner.right > outer.right)
      node.scrollLeft += inner.left - outer.left - outer.width / 4;
  }
  const [inner, outer] = [range.getBoundingClientRect(), scroller.getBoundingClientRect()];
  const margin = Math.min(40, outer.height / 5);
  if (inner.top >= outer.top + margin && inner.bottom <= outer.bottom - margin) return;
  scroller.scrollTop += inner.top - outer.top - outer.height / 3;
}
