/**
 * Where fenced code ends. Models write whole Markdown documents, with code blocks inside, between fences of one length:
 * in a block of Markdown a fence with a language therefore opens an inner block, and the next bare one closes it.
 */

const FENCE = /^(`{3,}(?=[^`]*$)|~{3,})[ \t]*(.*?)[ \t]*$/;

/**
 * The length of the longest run of backticks.
 * @param {string} text
 */
export function longestRun(text) {
  let longest = 0;
  // There may be more runs than a call takes arguments.
  for (const [ticks] of text.matchAll(/`+/g)) longest = Math.max(longest, ticks.length);
  return longest;
}

const NESTING = new Set(["md", "markdown", "mdx"]);

/**
 * @typedef {object} Fence
 * @property {string} marker  The backticks or tildes.
 * @property {string} info  What follows them.
 */

/**
 * @param {string} line  Without its indentation.
 * @returns {Fence | null}
 */
export function readFence(line) {
  const found = FENCE.exec(line);
  return found && { marker: found[1], info: found[2] };
}

/** Reads the lines of one block and finds the one that closes it. */
export class FenceReader {
  #length;
  #character;
  /** @type {number[] | null} Lengths of the fences that are open inside; null where fences do not nest. */
  #inner;
  /** The longest fence inside. */
  longest = 0;

  /**
   * @param {Fence} fence  The opening one.
   * @param {boolean} [canNest]
   */
  constructor({ marker, info }, canNest = true) {
    this.#length = marker.length;
    this.#character = marker[0];
    this.#inner = canNest && NESTING.has(info.split(/\s/, 1)[0].toLowerCase()) ? [] : null;
  }

  /**
   * @param {string} line  Without its indentation.
   * @returns {boolean}  Whether it closes the block.
   */
  closes(line) {
    if (line[0] !== this.#character) return false;
    const fence = readFence(line);
    if (!fence || fence.marker.length < this.#length) return false;
    const { marker, info } = fence;
    const open = this.#inner?.at(-1);
    if (info) {
      if (!this.#inner) return false;
      this.#inner.push(marker.length);
    } else if (open === undefined) return true;
    else if (marker.length >= open) this.#inner?.pop();
    this.longest = Math.max(this.longest, marker.length);
    return false;
  }
}
