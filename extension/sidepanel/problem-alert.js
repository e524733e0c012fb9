/**
 * The `alert` below the conversation. It shows a fault of the panel or of the worker; the faults of a turn are shown in
 * that turn.
 */

import { byId } from "../ui/dom.js";
import { detailsText } from "./conversation/error-details.js";
import { copyDetailsButton } from "./conversation/markdown-actions.js";

/** @import {TurnError} from "../shared/protocol.js" */

/**
 * What is wrong decides what the button does. `boot`: Python did not start, and the worker starts it again. `worker`:
 * the worker does not answer, and the page is loaded again. `command`: the worker has rejected a command, and the alert
 * is dismissed.
 * @typedef {"boot" | "worker" | "command"} Source
 */

/** @typedef {{source: Source, text: string, hint?: string, action: string, error?: TurnError}} Problem */

export class ProblemAlert {
  #box = byId("problem");
  #text = byId("problem-text");
  #hint = byId("problem-hint");
  #button = byId("problem-action");
  /** @type {Problem | null} */
  #problem = null;
  #model;

  /**
   * @param {object} parts
   * @param {() => string} parts.model  The model that answers in this conversation, for the details of the error.
   * @param {() => void} parts.onRestart  Python is to be started again.
   * @param {() => void} parts.onDismiss
   */
  constructor({ model, onRestart, onDismiss }) {
    this.#model = model;
    const actions = { boot: onRestart, worker: () => location.reload(), command: onDismiss };
    this.#button.addEventListener("click", () => {
      if (this.#problem) actions[this.#problem.source]();
    });
    this.#button.after(copyDetailsButton(() => this.#details()));
  }

  /** @param {Problem} problem */
  show(problem) {
    this.#problem = problem;
  }

  /**
   * Hides a problem that came from one of these sources. Any other problem stays.
   * @param {...Source} sources
   */
  clear(...sources) {
    if (this.#problem && sources.includes(this.#problem.source)) this.#problem = null;
  }

  update() {
    this.#box.hidden = this.#problem === null;
    if (!this.#problem) return;
    const { text, hint, action } = this.#problem;
    this.#text.textContent = text;
    this.#hint.textContent = hint ?? "";
    this.#hint.hidden = !hint;
    this.#button.textContent = action;
  }

  #details() {
    if (!this.#problem) return "";
    const { text, hint, error = { kind: "internal", message: text, hint } } = this.#problem;
    return detailsText(error, { model: this.#model() });
  }
}
