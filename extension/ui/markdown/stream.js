/**
 * Markdown that is still being written, drawn so that the cost of a piece does not depend on how much came before it,
 * and so that nothing that is on the page is built twice.
 *
 * Text that arrives at once is taken in pieces of a few thousand characters, and only for a few milliseconds in each
 * task of the page. `stream/drawing.js` says how a piece is drawn.
 */

import { parse } from "../../shared/markdown/parse.js";
import { hasTime, later } from "../frames.js";
import { Drawing } from "./stream/drawing.js";
import { Pace } from "./stream/pace.js";
import { view } from "./view.js";

/** @import {View} from "./patch.js" */

/** Items and quotations that are longer than this are frozen in parts. */
const LONG_BLOCK = 2_000;

export class MarkdownStream {
  #drawing;
  #pace = new Pace();
  #onDone;
  #hasTime;

  /** The text that has arrived and is not taken yet. */
  #pending = "";
  /** The last character was a carriage return, which may be half of a line break. */
  #heldReturn = false;
  #isGrowing = true;
  /** The tail has grown since it was last drawn. */
  #isBehind = false;

  /**
   * @param {HTMLElement} root  An empty element that this object fills.
   * @param {object} [options]
   * @param {(code: HTMLElement) => void} [options.onCode]  Called with each code block whose text is whole.
   * @param {() => void} [options.onDone]  Called when the last of a finished text is drawn.
   * @param {() => boolean} [options.time]  Whether there is time to draw, for tests.
   * @param {typeof parse} [options.parser]  For tests that count the work or let it fail,
   * @param {(node: any) => View | null} [options.viewer]  and so is this.
   * @param {number} [options.longBlock]  How long an item is that is frozen in parts.
   */
  constructor(root, options = {}) {
    const { onCode = () => {}, onDone = () => {}, time = hasTime, parser = parse, viewer = view } = options;
    this.#drawing = new Drawing(root, { parser, viewer, onCode, longBlock: options.longBlock ?? LONG_BLOCK });
    this.#onDone = onDone;
    this.#hasTime = time;
  }

  /** Whether everything that arrived is drawn. */
  get isDrawn() {
    const { hasLate, isOver } = this.#drawing;
    return !this.#pending && !this.#isBehind && !hasLate && (this.#isGrowing || isOver);
  }

  /**
   * Takes more text without drawing it.
   * @param {string} text
   */
  append(text) {
    if (!text) return;
    const whole = this.#heldReturn ? `\r${text}` : text;
    this.#heldReturn = whole.endsWith("\r");
    this.#pending += (this.#heldReturn ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n");
    this.#isGrowing = true;
    if (this.#drawing.isOver) this.#reopen(this.#drawing.source.length);
  }

  /**
   * Takes another text in the place of all that arrived. What is the same up to the first difference stays, and what
   * follows it is patched.
   * @param {string} text
   */
  replace(text) {
    const all = text.replace(/\r\n?/g, "\n");
    const old = this.#drawing.source;
    const shorter = Math.min(all.length, old.length);
    let same = 0;
    while (same < shorter && all.charCodeAt(same) === old.charCodeAt(same)) same += 1;
    this.#heldReturn = false;
    this.#isGrowing = true;
    if (same === old.length && !this.#drawing.isOver) {
      this.#pending = all.slice(same);
      return;
    }
    this.#reopen(same);
    this.#pending = all.slice(this.#drawing.source.length);
  }

  /**
   * Draws what arrived since the last call, or as much of it as there is time for; the rest follows in the next frames.
   */
  draw() {
    if (this.#run()) later(this.#job);
  }

  /** Draws the rest as it is, because nothing more will arrive. */
  finish() {
    if (this.#heldReturn) this.#pending += "\n";
    this.#heldReturn = false;
    this.#isGrowing = false;
    this.draw();
  }

  #job = () => this.#run();

  /** @returns {boolean}  Whether there is more to do. */
  #run() {
    const wasDrawn = this.isDrawn;
    while (!this.isDrawn && this.#hasTime()) if (!this.#step()) break;
    if (!this.isDrawn) return true;
    if (!wasDrawn && !this.#isGrowing) this.#onDone();
    return false;
  }

  /** @returns {boolean}  False when it is better to wait. */
  #step() {
    const drawing = this.#drawing;
    if (drawing.drawLate()) return true;
    const length = this.#pace.lengthOfNext(this.#pending, drawing.hasRemains);
    drawing.take(this.#pending.slice(0, length));
    this.#pending = this.#pending.slice(length);
    const hasPending = this.#pending !== "";
    const begin = performance.now();
    const { tailLength } = drawing;
    if ((this.#isGrowing || hasPending) && this.#pace.isTooSoon(tailLength, begin)) {
      this.#isBehind = true;
      // Another piece is taken in any case; only the last one waits.
      return hasPending;
    }
    this.#isBehind = false;
    drawing.draw({ isGrowing: this.#isGrowing, hasPending });
    this.#pace.measured(tailLength, begin, performance.now());
    return true;
  }

  /** @param {number} from  Where the text changes. */
  #reopen(from) {
    this.#pending = this.#drawing.reopen(from) + this.#pending;
    this.#isBehind = false;
  }
}
