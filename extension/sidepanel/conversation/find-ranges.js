/** Where ranges of text are on the page, and how they are brought into view. */

import { REVEAL } from "./folding.js";

/** @param {Range} range @param {Range} other */
export function isAtOrAfter(range, other) {
  return range.compareBoundaryPoints(Range.START_TO_START, other) >= 0;
}

/** @param {Range} range */
function parentOf({ startContainer }) {
  return /** @type {Element} */ (startContainer instanceof Element ? startContainer : startContainer.parentElement);
}

/** Where a range is; for a range that is folded away, where the folded box is. @param {Range} range */
export function rectOf(range) {
  const rect = range.getBoundingClientRect();
  if (rect.height > 0) return rect;
  const folded = parentOf(range).closest("details:not([open])") ?? parentOf(range);
  return folded.getBoundingClientRect();
}

/** Unfolds everything that hides a range. @param {Range} range */
export function unfold(range) {
  for (let node = /** @type {Element | null} */ (parentOf(range)); node; node = node.parentElement) {
    if (node instanceof HTMLDetailsElement) node.open = true;
  }
  parentOf(range).dispatchEvent(new Event(REVEAL, { bubbles: true }));
}

/**
 * Brings a range into the middle of the view, unless it is well in view already; in code and tables, also sideways.
 * @param {Range} range
 * @param {HTMLElement} scroller
 */
export function scrollTo(range, scroller) {
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
