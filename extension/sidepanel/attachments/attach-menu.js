/** The menu of what can be attached to a message. */

import { el, icon } from "../../ui/dom.js";

/**
 * @typedef {object} AttachEntry
 * @property {Parameters<typeof icon>[0]} icon
 * @property {string} label
 * @property {() => unknown} act
 */

export class AttachMenu {
  #button;
  #menu;

  /**
   * @param {object} parts
   * @param {HTMLButtonElement} parts.button  Hidden until there is something to choose.
   * @param {HTMLElement} parts.menu
   */
  constructor({ button, menu }) {
    this.#button = button;
    this.#menu = menu;
    button.addEventListener("click", () => (menu.hidden ? this.#open() : this.#close()));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      this.#open(event.key === "ArrowUp" ? -1 : 0);
    });
    menu.addEventListener("keydown", (event) => this.#onKey(event));
    menu.addEventListener("focusout", (event) => {
      const next = /** @type {Node | null} */ (event.relatedTarget);
      if (next !== button && !menu.contains(next)) this.#close(false);
    });
    // A press on what takes no focus moves none.
    document.addEventListener("pointerdown", (event) => {
      const target = /** @type {Node} */ (event.target);
      if (!menu.hidden && !menu.contains(target) && !button.contains(target)) this.#close(false);
    });
  }

  /**
   * Adds something to choose, at the end.
   * @param {AttachEntry} entry
   */
  add({ icon: name, label, act }) {
    const item = el("button", { type: "button", role: "menuitem", tabindex: -1, class: "quiet" }, icon(name), label);
    item.addEventListener("click", () => {
      this.#close();
      act();
    });
    this.#menu.append(item);
    this.#button.hidden = false;
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#menu.children]);
  }

  /** @param {number} [at]  Where the focus goes. */
  #open(at = 0) {
    this.#menu.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#items.at(at)?.focus();
  }

  /** @param {boolean} [isBack]  Whether the focus returns to the button. */
  #close(isBack = true) {
    if (isBack) this.#button.focus();
    this.#menu.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const goals = { ArrowDown: (at + 1) % items.length, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key === "Escape") {
      // An answer under way is not meant.
      event.preventDefault();
      this.#close();
    } else if (event.key in goals) {
      event.preventDefault();
      items.at(goals[/** @type {keyof typeof goals} */ (event.key)])?.focus();
    }
  }
}
