/** The text of a part of the page as a reader sees it, and the places in it where terms are found. */

import { BREAK, fold, placesOf } from "../../shared/fold.js";

/** @import { Place } from "../../shared/fold.js" */

/** Elements whose text is not one with what stands beside them. */
const BLOCKS = new Set(
  `ADDRESS ARTICLE ASIDE BLOCKQUOTE CAPTION DD DETAILS DIV DL DT FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR LI MAIN MENU NAV
   OL P PRE SECTION SUMMARY TABLE TBODY TD TFOOT TH THEAD TR UL`.split(/\s+/),
);
/** Labels and controls. The title of an attachment is what its button shows. */
const SKIPPED = [
  "button:not(.chip-show)",
  ".chip-details",
  "form",
  "textarea",
  ".code-head",
  ".after",
  ".queue-row",
  ".versions",
  ".aside > summary",
  ".visually-hidden",
  "[hidden]",
  "svg",
  "annotation",
].join(",");

export class TextPlaces {
  #text = "";
  /**
   * Texts, formulas, which count as their source, and links that are meant by their address.
   * @type {(Text | HTMLElement)[]}
   */
  #nodes = [];
  /** Where in the text each of them begins. @type {number[]} */
  #starts = [];
  /** @type {Place[]} */
  places;

  /**
   * @param {Element} root
   * @param {string[]} terms  As `termsOf` gives them.
   */
  constructor(root, terms) {
    /** @type {string[]} */
    const parts = [];
    let length = 0;
    const add = (/** @type {string} */ text) => {
      parts.push(text);
      length += text.length;
    };
    const piece = (/** @type {Text | HTMLElement} */ node, /** @type {string} */ text) => {
      this.#nodes.push(node);
      this.#starts.push(length);
      add(text);
    };
    /** @type {HTMLAnchorElement[]} */
    let links = [];
    const addresses = () => {
      for (const link of links) {
        add(BREAK);
        piece(link, link.getAttribute("href") ?? "");
      }
      links = [];
    };
    const walk = (/** @type {Node} */ parent) => {
      for (let node = parent.firstChild; node; node = node.nextSibling) {
        if (node instanceof Text) {
          piece(node, node.data);
        } else if (node instanceof Element) {
          const isBlock = BLOCKS.has(node.tagName);
          if (isBlock) {
            addresses();
            add(BREAK);
          }
          const tex = node.getAttribute("data-tex-inside");
          if (node.tagName === "BR") add(" ");
          else if (tex !== null) piece(/** @type {HTMLElement} */ (node), tex);
          else if (!node.matches(SKIPPED)) walk(node);
          // What its text has need not be looked for in its address.
          if (node instanceof HTMLAnchorElement && isMeant(node, terms)) links.push(node);
          if (isBlock) {
            addresses();
            add(BREAK);
          }
        }
      }
    };
    walk(root);
    addresses();
    this.#text = parts.join("");
    this.places = placesOf(this.#text, terms);
  }

  /** @param {number} index  Of a place. @returns {Range} */
  range(index) {
    const { start, end } = this.places[index];
    const range = document.createRange();
    const [first, last] = [this.#nodeAt(start), this.#nodeAt(end - 1)];
    const [from, to] = [this.#nodes[first], this.#nodes[last]];
    if (from instanceof Text) range.setStart(from, start - this.#starts[first]);
    else range.setStartBefore(from);
    if (to instanceof Text) range.setEnd(to, end - this.#starts[last]);
    else range.setEndAfter(to);
    return range;
  }

  /**
   * A place with what stands before and after it, on one line.
   * @param {number} index
   */
  around(index) {
    const { start, end } = this.places[index];
    const begin = this.#text.lastIndexOf(BREAK, start) + 1;
    const next = this.#text.indexOf(BREAK, end);
    const text = this.#text.slice(Math.max(begin, start - 40), Math.min(next < 0 ? this.#text.length : next, end + 60));
    return text.toWellFormed().replace(/\s+/g, " ").trim();
  }

  /** The text node that a unit of the text is of. @param {number} at */
  #nodeAt(at) {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** @param {HTMLAnchorElement} link @param {string[]} terms */
function isMeant(link, terms) {
  const address = fold(link.getAttribute("href") ?? "");
  const text = fold(link.textContent ?? "");
  return terms.some((term) => address.includes(term) && !text.includes(term));
}
