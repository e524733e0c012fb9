/**
 * How much text is drawn in one step, and how often a long tail is. Both depend on how long drawing takes.
 */

/** Characters of one step at most. */
const WINDOW = 2_000;
/** A step takes fewer characters, down to this number, after one that took longer than `SLOW_MS`, */
const NARROW_WINDOW = 500;
const SLOW_MS = 10;
/** and more again after one that took less than this. */
const FAST_MS = 3;
/** Characters of one step where most of the text is on the page already. */
const WIDE_WINDOW = 40_000;
/** A longer tail, which has no parts that could be frozen, is not parsed at each drawing, */
const LONG_TAIL = 24_000;
/** but when it has grown by this factor, */
const GROWTH = 1.25;
/** or when the last drawing took less than this share of the time since: one part in ten. */
const SHARE = 10;

export class Pace {
  #window = WINDOW;
  /** The length of the tail when it was last drawn, how many milliseconds that took, and when it was done. */
  #lastLength = 0;
  #lastCost = 0;
  #lastEnd = 0;

  /**
   * The length of the next piece of a text: whole lines if possible.
   * @param {string} pending
   * @param {boolean} isWide  Most of the text is on the page already.
   * @returns {number}
   */
  lengthOfNext(pending, isWide) {
    const size = isWide ? WIDE_WINDOW : this.#window;
    if (pending.length <= size) return pending.length;
    return pending.lastIndexOf("\n", size - 1) + 1 || size;
  }

  /**
   * Whether a long tail has grown so little since it was last drawn that drawing it again should wait.
   * @param {number} length  Of the tail.
   * @param {number} now
   * @returns {boolean}
   */
  isTooSoon(length, now) {
    const isLong = length > LONG_TAIL && length < this.#lastLength * GROWTH;
    return isLong && now - this.#lastEnd < this.#lastCost * SHARE;
  }

  /**
   * Takes down how long a step took.
   * @param {number} length  Of the tail that was drawn.
   * @param {number} begin
   * @param {number} end
   */
  measured(length, begin, end) {
    this.#lastLength = length;
    this.#lastEnd = end;
    this.#lastCost = end - begin;
    if (this.#lastCost > SLOW_MS) this.#window = Math.max(this.#window / 2, NARROW_WINDOW);
    else if (this.#lastCost < FAST_MS) this.#window = Math.min(this.#window * 2, WINDOW);
  }
}
