/** The buttons for a turn that ended badly, the most helpful first. */

import { text } from "../../shared/text.js";
import { el } from "../../ui/dom.js";

/** @import {Turn} from "../../shared/protocol.js" */

/**
 * @typedef {object} RecoveryActions
 * @property {(turnId: string) => void} retry
 * @property {(turnId: string) => void} continueAnswer  Has the rest of the answer written.
 * @property {(turnId: string) => void} compact  Has the conversation summarised, and retries.
 */

export class RecoveryButtons {
  #actions;
  /** @type {HTMLButtonElement[]} */
  #buttons = [];
  /** The actions that the buttons were made for. */
  #madeFor = "";

  /** @param {RecoveryActions} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  /** @param {boolean} isDisabled */
  set disabled(isDisabled) {
    for (const button of this.#buttons) button.disabled = isDisabled;
  }

  /**
   * The same buttons as before, unless the turn offers other actions.
   * @param {Turn} turn
   * @returns {HTMLButtonElement[]}
   */
  of(turn) {
    const offered = JSON.stringify(turn.actions ?? []);
    if (offered === this.#madeFor) return this.#buttons;
    this.#madeFor = offered;
    const { continueAnswer, compact, retry } = this.#actions;
    /** @type {[string, (turnId: string) => void][]} */
    const ways = [[text("common_retry"), retry]];
    if (turn.actions?.includes("compact")) ways.unshift([text("error_summarise_and_retry"), compact]);
    if (turn.actions?.includes("continue")) ways.unshift([text("common_continue"), continueAnswer]);
    this.#buttons = ways.map(([label, act]) =>
      el("button", { type: "button", class: "recovery", onclick: () => act(turn.id) }, label),
    );
    return this.#buttons;
  }
}
