/**
 * The conversation on the screen: drawn at most once per frame, and scrolled only while the reader is at its end.
 */

import { isPointerDown, pointerIsUp } from "../../ui/pointer.js";
import { rememberWrap } from "./code-tools.js";
import { copyCleanly } from "./copy-selection.js";
import { UNFOLDED } from "./folding.js";
import { onMarkdownClick } from "./markdown-actions.js";
import { PlainTurn } from "./plain-view.js";
import { TurnView } from "./turn-view.js";

/** @import {Turn} from "../../shared/protocol.js" */
/** @import {State, TurnActions} from "./turn-view.js" */
/** @import {Step} from "./versions.js" */

/** @typedef {TurnView | PlainTurn} DrawnTurn */

/** Closer to the end than this counts as being there. */
const END_PX = 24;
/** Frames stand still in a page that nobody sees. */
const HIDDEN_MS = 100;
/** So long, screen readers leave alone what was added. */
const HUSH_MS = 500;

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
  /** @type {() => void} */
  #onFocusLost;
  /** @type {Map<string, DrawnTurn>} */
  #views = new Map();
  /** @type {Turn[]} */
  #turns = [];
  /** @type {State} */
  #state = { isBusy: false, isAsking: false };
  /**
   * The version that the reader has asked to see, and where on the screen.
   * @type {{turn: string, step: Step, top: number} | null}
   */
  #wanted = null;
  /** The first turn on the page. @type {string | undefined} */
  #first;
  #scheduled = false;
  #follows = true;
  #lastTop = 0;
  /** Something is selected that the reader has left behind: a message was sent since. */
  #ignoresSelection = false;
  #awaitsPointer = false;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.log
   * @param {HTMLElement} parts.scroller
   * @param {HTMLElement} parts.jump  The button that goes to the end.
   * @param {TurnActions} parts.actions
   * @param {() => void} [parts.onDrawn]  Called after each drawing.
   * @param {() => void} [parts.onFocusLost]  What had the keyboard is gone.
   */
  constructor({ log, scroller, jump, actions, onDrawn = () => {}, onFocusLost = () => {} }) {
    this.#log = log;
    this.#scroller = scroller;
    this.#jump = jump;
    this.#actions = actions;
    this.#onDrawn = onDrawn;
    this.#onFocusLost = onFocusLost;
    log.addEventListener("click", onMarkdownClick);
    copyCleanly(log);
    rememberWrap();
    // Who unfolds something reads it from its beginning.
    log.addEventListener(UNFOLDED, () => {
      this.#follows = false;
    });
    scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    // Images, unfolded reasoning and a changed width move the end as well.
    new ResizeObserver(() => this.#scroll()).observe(log);
    new ResizeObserver(() => this.#scroll()).observe(scroller);
    jump.addEventListener("click", () => this.follow());
    document.addEventListener("selectionchange", () => {
      this.#ignoresSelection = false;
      if (!this.#isHeld()) this.#scroll();
    });
  }

  /**
   * Draws these turns in the next frame. The objects may change until then.
   * @param {Turn[]} turns
   * @param {State} state
   */
  show(turns, state) {
    this.#turns = turns;
    this.#state = state;
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
    this.#ignoresSelection = true;
    this.#goToEnd();
    this.#scroll();
  }

  /** The reader looks at something else than the end. */
  leaveEnd() {
    this.#follows = false;
    this.#lastTop = this.#scroller.scrollTop;
  }

  /**
   * What stands on the page of a turn; nothing when it is not drawn.
   * @param {string} turn
   */
  articlesOf(turn) {
    return this.#views.get(turn)?.nodes ?? [];
  }

  /**
   * Keeps the reader's place and the keyboard's when another version of a turn takes its place.
   * @param {string} from
   * @param {string} to
   */
  awaitVersion(from, to) {
    const turn = this.#turns.find(({ id }) => id === from);
    const view = this.#views.get(from);
    if (!turn?.siblings || !view) return;
    const step = turn.siblings.indexOf(to) > turn.siblings.indexOf(from) ? "next" : "previous";
    this.#wanted = { turn: to, step, top: topOf(view) };
    this.#follows = false;
  }

  /**
   * Moves the keyboard to another call that asks; not to its buttons, since it has not been read yet.
   * @param {string} call  The one that is answered.
   * @returns {boolean}  Whether there is one.
   */
  focusQuestion(call) {
    /** @type {NodeListOf<HTMLElement>} */
    const asking = this.#log.querySelectorAll(".ask");
    const next = [...asking].find((question) => question.dataset.call !== call);
    next?.focus();
    return next !== undefined;
  }

  #draw() {
    const place = this.#place();
    const focused = document.activeElement;
    const ids = new Set(this.#turns.map((turn) => turn.id));
    for (const [id, view] of this.#views) {
      if (ids.has(id)) continue;
      view.remove();
      this.#views.delete(id);
    }
    // What stands in line has not happened yet.
    const last = this.#turns.findLastIndex((turn) => !turn.waiting);
    let next = this.#log.firstElementChild;
    for (const [index, turn] of this.#turns.entries()) {
      for (const node of this.#drawTurn(turn, index === last).nodes) {
        if (node === next) next = node.nextElementSibling;
        else this.#log.insertBefore(node, next);
      }
    }
    if (place && !place.step) this.#hush();
    this.#first = this.#turns[0]?.id;
    this.#goTo(place);
    // A question that somebody else has answered, or that was stopped.
    if (focused && !focused.isConnected && document.activeElement === document.body) this.#onFocusLost();
    this.#scroll();
  }

  /**
   * The view of a turn, brought up to date. One that cannot be drawn is shown as plain text, and the others as they
   * are.
   * @param {Turn} turn
   * @param {boolean} isLast
   * @returns {DrawnTurn}
   */
  #drawTurn(turn, isLast) {
    const known = this.#views.get(turn.id);
    try {
      const view = known ?? new TurnView(turn, this.#actions);
      view.update(turn, isLast, this.#state);
      this.#views.set(turn.id, view);
      return view;
    } catch (error) {
      console.error("A turn cannot be drawn:", error);
      known?.remove();
      const plain = new PlainTurn();
      plain.update(turn);
      this.#views.set(turn.id, plain);
      return plain;
    }
  }

  /**
   * What the reader looks at, where turns come before it or another version comes in its place.
   * @returns {{turn: string, top: number, step?: Step} | null}
   */
  #place() {
    const wanted = this.#wanted;
    if (wanted && this.#turns.some(({ id }) => id === wanted.turn)) {
      this.#wanted = null;
      return wanted;
    }
    if (this.#follows || this.#turns[0]?.id === this.#first) return null;
    const { top } = this.#scroller.getBoundingClientRect();
    for (const { id } of this.#turns) {
      const view = this.#views.get(id);
      if (view?.nodes.some((node) => node.getBoundingClientRect().bottom > top)) return { turn: id, top: topOf(view) };
    }
    return null;
  }

  /** @param {{turn: string, top: number, step?: Step} | null} place */
  #goTo(place) {
    const view = place && this.#views.get(place.turn);
    if (!view) return;
    if (place.step) view.focusVersions(place.step);
    this.#scroller.scrollTop += topOf(view) - place.top;
    this.#lastTop = this.#scroller.scrollTop;
  }

  /** What was said long ago is not read out as if it were new. */
  #hush() {
    this.#log.setAttribute("aria-live", "off");
    setTimeout(() => this.#log.removeAttribute("aria-live"), HUSH_MS);
  }

  #onScroll() {
    const top = this.#scroller.scrollTop;
    // A reader who scrolls up leaves, even by a little; whoever comes to the end follows again.
    if (this.#distance() < END_PX && top >= this.#lastTop) this.#follows = true;
    else if (top < this.#lastTop && this.#distance() > 1) this.#follows = false;
    this.#lastTop = top;
    this.#showJump();
  }

  #scroll() {
    if (this.#follows && !this.#isHeld()) this.#goToEnd();
    this.#showJump();
  }

  /**
   * The button that goes to the end lies over the conversation: it does not come between what is pressed and the
   * pointer.
   */
  #showJump() {
    if (!isPointerDown()) {
      this.#jump.hidden = (this.#follows && !this.#isHeld()) || this.#distance() < END_PX;
      return;
    }
    if (this.#awaitsPointer) return;
    this.#awaitsPointer = true;
    pointerIsUp().then(() => {
      this.#awaitsPointer = false;
      this.#scroll();
    });
  }

  #goToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#lastTop = this.#scroller.scrollTop;
  }

  /**
   * Whether the reader has something in hand that must not move: what is pressed, or text of the conversation that is
   * selected.
   */
  #isHeld() {
    if (isPointerDown()) return true;
    const selection = this.#ignoresSelection ? null : getSelection();
    return selection !== null && !selection.isCollapsed && this.#log.contains(selection.anchorNode);
  }

  #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }
}

/** @param {DrawnTurn} view */
function topOf(view) {
  return view.nodes[0].getBoundingClientRect().top;
}
