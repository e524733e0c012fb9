/**
 * The button above the conversation that brings the turns before it. It also acts when the reader scrolls up to it.
 */

import { text as message } from "../../shared/text.js";

export class EarlierTurns {
  /** @type {HTMLElement} */
  #button;
  /** @type {HTMLElement} */
  #scroller;
  /** The turn before which others were asked for. */
  #asked = "";
  #first = "";
  /** @type {IntersectionObserver} */
  #observer;
  /** @type {(before: string) => void} */
  #onAsk;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.button
   * @param {HTMLElement} parts.scroller  Can take the focus, where the button has had it and is gone.
   * @param {(before: string) => void} parts.onAsk
   */
  constructor({ button, scroller, onAsk }) {
    this.#button = button;
    this.#scroller = scroller;
    this.#onAsk = onAsk;
    button.addEventListener("click", () => this.ask());
    const onSight = (/** @type {IntersectionObserverEntry[]} */ entries) => {
      if (entries.at(-1)?.isIntersecting) this.ask();
    };
    this.#observer = new IntersectionObserver(onSight, { root: scroller });
    this.#observer.observe(button);
  }

  /**
   * @param {string | undefined} first  The first turn that is here.
   * @param {number} count  How many are before it.
   */
  update(first = "", count) {
    const hadFocus = document.activeElement === this.#button;
    const changed = first !== this.#first;
    this.#first = first;
    this.#button.hidden = count === 0;
    this.#button.textContent = message("conversation_earlier", count);
    if (hadFocus && this.#button.hidden) this.#scroller.focus({ preventScroll: true });
    if (!changed) return;
    // It speaks up when something changes, and the button may be in sight as before.
    this.#observer.unobserve(this.#button);
    this.#observer.observe(this.#button);
  }

  /** Asks for more, once for each beginning. */
  ask() {
    if (this.#button.hidden || this.#asked === this.#first) return;
    this.#asked = this.#first;
    this.#onAsk(this.#first);
  }

  /** What was asked for may not come any more. */
  forget() {
    this.#asked = "";
  }
}
