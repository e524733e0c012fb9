/**
 * The conversation on the screen: drawn at most once per frame, and scrolled only while the reader is at its end.
 */

import { onMarkdownClick } from "../ui/actions.js";
import { TurnView } from "./turn-view.js";

/** @import {Turn} from "../protocol.js" */
/** @import {TurnActions} from "./turn-view.js" */

/** Closer to the end than this counts as being there. */
const END_PX = 24;
/** Frames stand still in a page that nobody sees. */
const HIDDEN_MS = 100;

export class ConversationView {
  /** @type {HTMLElement} */
  #log;
  /** @type {HTMLElement} */
  #scroller;
  /** @type {HTMLElement} */
  #jump;
  /** @type {TurnActions} */
  #actions;
  /** @type {() => void} */
  #onDrawn;
  /** @type {Map<string, TurnView>} */
  #views = new Map();
  /** @type {Turn[]} */
  #turns = [];
  #scheduled = false;
  #follows = true;
  #lastTop = 0;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.log
   * @param {HTMLElement} parts.scroller
   * @param {HTMLElement} parts.jump  The button that goes to the end.
   * @param {TurnActions} parts.actions
   * @param {() => void} [parts.onDrawn]  Called after each drawing.
   */
  constructor({ log, scroller, jump, actions, onDrawn = () => {} }) {
    this.#log = log;
    this.#scroller = scroller;
    this.#jump = jump;
    this.#actions = actions;
    this.#onDrawn = onDrawn;
    log.addEventListener("click", onMarkdownClick);
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    // Images, unfolded reasoning and a changed width move the end as well.
    new ResizeObserver(() => this.#scroll()).observe(log);
    new ResizeObserver(() => this.#scroll()).observe(scroller);
    jump.addEventListener("click", () => this.follow());
  }

  /**
   * Draws these turns in the next frame. The objects may change until then.
   * @param {Turn[]} turns
   */
  show(turns) {
    this.#turns = turns;
    if (this.#scheduled) return;
    this.#scheduled = true;
    const draw = () => {
      this.#scheduled = false;
      this.#draw();
      this.#onDrawn();
    };
    if (document.hidden) setTimeout(draw, HIDDEN_MS);
    else requestAnimationFrame(draw);
  }

  /** Goes to the end, and stays there while the answer grows. */
  follow() {
    this.#follows = true;
    this.#scroll();
  }

  #draw() {
    const ids = new Set(this.#turns.map((turn) => turn.id));
    for (const [id, view] of this.#views) {
      if (ids.has(id)) continue;
      view.remove();
      this.#views.delete(id);
    }
    // What stands in line has not happened yet.
    const last = this.#turns.findLastIndex((turn) => !turn.waiting);
    for (const [index, turn] of this.#turns.entries()) {
      let view = this.#views.get(turn.id);
      if (!view) {
        view = new TurnView(this.#actions);
        this.#views.set(turn.id, view);
      }
      view.update(turn, index === last);
      if (this.#log.children[2 * index] !== view.question) {
        const next = this.#log.children[2 * index] ?? null;
        this.#log.insertBefore(view.question, next);
        this.#log.insertBefore(view.answer, next);
      }
    }
    this.#scroll();
  }

  #onScroll() {
    const top = this.#scroller.scrollTop;
    // A reader who scrolls up leaves, even by a little; whoever comes to the end follows again.
    if (this.#distance() < END_PX && top >= this.#lastTop) this.#follows = true;
    else if (top < this.#lastTop && this.#distance() > 1) this.#follows = false;
    this.#lastTop = top;
    this.#jump.hidden = this.#follows || this.#distance() < END_PX;
  }

  #scroll() {
    if (this.#follows) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
      this.#lastTop = this.#scroller.scrollTop;
    }
    this.#jump.hidden = this.#follows || this.#distance() < END_PX;
  }

  #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }
}
