/** The places in the conversation that match what is looked for, and their marks. */

import { isAtOrAfter, rectOf } from "./find-ranges.js";
import { TextPlaces } from "./text-places.js";

/** More hits than these are counted, and not marked, because each mark has to follow the text's changes. */
const MOST_MARKED = 2_000;

/** @typedef {{places: TextPlaces, index: number, article: Element}} Hit */

/** @param {Hit} hit */
export function rangeOf({ places, index }) {
  return places.range(index);
}

export class FindHits {
  #log;
  #scroller;
  #marks = new Highlight();
  /** @type {string[]} */
  #terms = [];
  /** What was found in each message and answer; absent where the page has changed. @type {Map<Element, TextPlaces>} */
  #known = new Map();
  /** @type {Hit[]} */
  #hits = [];

  /**
   * @param {HTMLElement} log  The children of it are looked through.
   * @param {HTMLElement} scroller
   */
  constructor(log, scroller) {
    this.#log = log;
    this.#scroller = scroller;
    CSS.highlights.set("found", this.#marks);
  }

  get length() {
    return this.#hits.length;
  }

  /** Whether anything is looked for. */
  get isSearching() {
    return this.#terms.length > 0;
  }

  /** @param {string[]} terms */
  search(terms) {
    this.#terms = terms;
    this.#known.clear();
    this.update();
  }

  /** Looks through what has changed. */
  update() {
    const articles = [...this.#log.children];
    const here = new Set(articles);
    for (const article of this.#known.keys()) if (!here.has(article)) this.#known.delete(article);
    this.#hits = [];
    if (this.isSearching) {
      for (const article of articles) {
        const places = this.#placesIn(article);
        for (const index of places.places.keys()) this.#hits.push({ places, index, article });
      }
    }
    this.#marks.clear();
    for (const hit of this.#hits.slice(0, MOST_MARKED)) this.#marks.add(rangeOf(hit));
  }

  /**
   * These parts of the conversation have changed, so the next update looks through them again.
   * @param {MutationRecord[]} records
   */
  forget(records) {
    for (const { target } of records) {
      let node = /** @type {Node | null} */ (target);
      while (node && node.parentNode !== this.#log) node = node.parentNode;
      if (node) this.#known.delete(/** @type {Element} */ (node));
    }
  }

  /** @param {number} index  It may be out of bounds on either side: after the last hit follows the first one. */
  at(index) {
    const { length } = this.#hits;
    return this.#hits[(index + length) % length];
  }

  /** @param {Hit | undefined} hit @returns {number}  -1 for a hit that is not there any more. */
  indexOf(hit) {
    return this.#hits.findIndex(({ places, index }) => places === hit?.places && index === hit.index);
  }

  /**
   * The first hit in a turn to go to: one of the term with the fewest hits, since that says most about the place.
   * @param {Element[]} articles
   */
  firstIn(articles) {
    const here = this.#hits.filter(({ article }) => articles.includes(article));
    const counts = this.#terms.map(
      (term) => here.filter(({ places, index }) => places.places[index].term === term).length,
    );
    const least = counts.filter(Boolean).reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
    const term = this.#terms[counts.indexOf(least)];
    return here.find(({ places, index }) => places.places[index].term === term);
  }

  /** @param {Range} range */
  firstFrom(range) {
    return this.#hits.find((hit) => isAtOrAfter(rangeOf(hit), range));
  }

  /** The first hit at or below the top of what is in view; else the last one. */
  nearest() {
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

  /**
   * The hit that takes the place of another one after the text has changed.
   * @param {Hit} hit
   * @param {Range} range  Where it was.
   */
  successorOf(hit, range) {
    const { start } = hit.places.places[hit.index];
    const isSame = (/** @type {Hit} */ { article, places, index }) =>
      article === hit.article && places.places[index].start >= start;
    return this.#hits.find(isSame) ?? this.firstFrom(range) ?? this.#hits.at(-1);
  }

  /** @param {Element} article */
  #placesIn(article) {
    const known = this.#known.get(article);
    if (known) return known;
    const places = new TextPlaces(article, this.#terms);
    this.#known.set(article, places);
    return places;
  }
}
