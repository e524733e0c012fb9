/**
 * The versions of a turn: which of them is shown, and the way to those before and after it.
 */

import { text as message } from "../../shared/text.js";
import { versionOf } from "../../shared/turn.js";
import { el } from "../../ui/dom.js";
import { iconButton } from "../../ui/icon-button.js";

/** @import {Turn} from "../../shared/protocol.js" */

/** @typedef {"previous" | "next"} Step */

export class Versions {
  #previous = iconButton(message("conversation_previous_version"), ["left"], () => this.#step("previous"));
  #next = iconButton(message("conversation_next_version"), ["right"], () => this.#step("next"));
  /** Its words are in an attribute: the text of a message is the user's alone. */
  #place = el("span", { "aria-hidden": "true" });
  #group = el("div", { class: "versions", role: "group" }, this.#previous, this.#place, this.#next);
  /** @type {HTMLElement} */
  #parent;
  /** @type {Turn | null} */
  #turn = null;
  /** @type {(turnId: string, instead: string) => void} */
  #onShow;

  /**
   * @param {HTMLElement} parent  Gets the buttons as its last child while there is more than one version.
   * @param {(turnId: string, instead: string) => void} onShow
   */
  constructor(parent, onShow) {
    this.#parent = parent;
    this.#onShow = onShow;
  }

  /**
   * @param {Turn} turn
   * @param {boolean} isBusy  The branches must stay as they are.
   */
  update(turn, isBusy) {
    this.#turn = turn;
    const { at, of } = versionOf(turn);
    if (of < 2) {
      this.#group.remove();
      return;
    }
    this.#group.setAttribute("aria-label", message("conversation_version", at, of));
    this.#place.setAttribute("data-text", `${at}/${of}`);
    this.#previous.disabled = isBusy || at === 1;
    this.#next.disabled = isBusy || at === of;
    if (this.#parent.lastElementChild !== this.#group) this.#parent.append(this.#group);
  }

  /**
   * Goes on with the keyboard where another version was asked for.
   * @param {Step} step
   */
  focus(step) {
    const [wanted, other] = step === "next" ? [this.#next, this.#previous] : [this.#previous, this.#next];
    (wanted.disabled ? other : wanted).focus({ preventScroll: true });
  }

  /** @param {Step} step */
  #step(step) {
    const { siblings = [], id = "" } = this.#turn ?? {};
    const target = siblings[siblings.indexOf(id) + (step === "next" ? 1 : -1)];
    if (target) this.#onShow(target, id);
  }
}
