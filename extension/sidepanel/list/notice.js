/** The line above the list's footer: it reports what was done, and asks before something is done. */

import { text as message } from "../../shared/text.js";
import { byId, el, setChildren } from "../../ui/dom.js";

/** @typedef {{label: string, act: () => unknown}} Choice */

export class Notice {
  #box = byId("notice");
  #text = byId("notice-text");
  #details = byId("notice-details");
  #actions = byId("notice-actions");
  #focusElsewhere;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => void} focusElsewhere  The line disappears, and with it the button that had the focus. */
  constructor(focusElsewhere) {
    this.#focusElsewhere = focusElsewhere;
  }

  /**
   * Asks a question, with the focus on the first answer.
   * @param {string} question
   * @param {Choice[]} choices
   * @param {HTMLElement[]} [details]  What the question is about. They get the focus, so that they are read first.
   */
  ask(question, choices, details = []) {
    const asker = /** @type {HTMLElement | null} */ (document.activeElement);
    const back = () => {
      if (asker?.isConnected && asker !== document.body) asker.focus();
      else this.#focusElsewhere();
    };
    const answers = choices.map(({ label, act }) => ({
      label,
      act: () => {
        back();
        return act();
      },
    }));
    this.say(question, [...answers, { label: message("common_cancel"), act: back }]);
    this.#details.hidden = details.length === 0;
    // What scrolls has to be reached by the keyboard.
    this.#details.tabIndex = 0;
    setChildren(this.#details, details);
    if (details.length > 0) this.#details.focus();
    else this.#actions.querySelector("button")?.focus();
  }

  /**
   * @param {string} text
   * @param {Choice[]} [choices]  Each of them hides the line.
   * @param {number} [forMs]  How long the line stays.
   */
  say(text, choices = [{ label: message("common_ok"), act: this.#focusElsewhere }], forMs) {
    clearTimeout(this.#timer);
    this.#details.hidden = true;
    this.#details.replaceChildren();
    this.#actions.replaceChildren(...choices.map((choice) => this.#button(choice)));
    this.#box.hidden = false;
    this.#text.textContent = text;
    if (forMs !== undefined) this.#timer = setTimeout(() => this.hide(), forMs);
  }

  hide() {
    clearTimeout(this.#timer);
    this.#box.hidden = true;
    this.#text.textContent = "";
    this.#details.replaceChildren();
  }

  /**
   * Does something, and reports its error if it fails.
   * @param {() => Promise<unknown>} work
   */
  async guard(work) {
    try {
      await work();
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {HTMLElement} element  Whether it is one of the line's buttons. */
  hasButton(element) {
    return this.#actions.contains(element);
  }

  /** @param {Choice} choice */
  #button({ label, act }) {
    const onclick = () => {
      this.hide();
      this.guard(async () => act());
    };
    return el("button", { type: "button", onclick }, label);
  }
}
