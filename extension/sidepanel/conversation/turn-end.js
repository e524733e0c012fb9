/** What follows an answer when it has ended: its error, and the row with its buttons, its state and its usage. */

import { text } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { iconButton } from "../../ui/icon-button.js";
import { createErrorBox } from "./error-box.js";
import { detailsText } from "./error-details.js";
import { copy } from "./markdown-actions.js";
import { RecoveryButtons } from "./recovery-buttons.js";
import { usageText } from "./turn-labels.js";

/** @import {Turn, TurnError} from "../../shared/protocol.js" */
/** @import {RecoveryActions} from "./recovery-buttons.js" */

/**
 * @typedef {RecoveryActions & {regenerate: (turnId: string) => void, openPermissions: () => void, openSettings: () =>
 *   void}} EndActions
 */

/** How a turn ended, when it did not end well. */
const ENDINGS = /** @type {Record<string, string>} */ ({
  stopped: text("turn_stopped"),
  interrupted: text("turn_interrupted"),
  incomplete: text("turn_incomplete"),
});

export class TurnEnd {
  /** The turn as it ended. @type {Turn} */
  #turn;
  #actions;
  #answer;
  /** Where the row is put after a good answer. @type {HTMLElement} */
  #end;
  #isRegenerable;
  #recovery;
  /** The row below the answer. Its parts stay when something is added, because they may be pressed just then. */
  #row = el("div", { class: "after" });
  #copy = iconButton(text("conversation_copy_answer"), ["copy", "check"], () =>
    copy(answerText(this.#turn), this.#copy),
  );
  #regenerate = iconButton(text("conversation_regenerate"), ["regenerate"], () =>
    this.#actions.regenerate(this.#turn.id),
  );
  #state = el("span", { class: "state" });
  #usage = el("span", { class: "usage" });
  /** @type {HTMLElement | null} */
  #errorBox = null;
  /** What the error's box was made from, */
  #errorShown = "";
  /** and what all of it was made from. */
  #shown = "";

  /**
   * @param {object} parts
   * @param {Turn} parts.turn
   * @param {HTMLElement} parts.answer  Gets the error and the row.
   * @param {HTMLElement} parts.end  Gets the row after a good answer.
   * @param {boolean} parts.isRegenerable
   * @param {EndActions} parts.actions
   */
  constructor({ turn, answer, end, isRegenerable, actions }) {
    this.#turn = turn;
    this.#answer = answer;
    this.#end = end;
    this.#isRegenerable = isRegenerable;
    this.#actions = actions;
    this.#recovery = new RecoveryButtons(actions);
    this.#copy.setAttribute("data-label", text("conversation_copy_answer"));
  }

  /** @param {{isBusy: boolean, isAsking: boolean}} state */
  updateButtons({ isBusy, isAsking }) {
    this.#regenerate.disabled = isBusy;
    this.#recovery.disabled = isAsking;
  }

  /**
   * @param {Turn} turn
   * @param {boolean} hasEnded
   * @param {boolean} isLast
   * @returns {boolean}  Whether anything has changed.
   */
  update(turn, hasEnded, isLast) {
    const { status, finish_reason, error, usage, model, actions, blocks } = turn;
    const shown = hasEnded
      ? JSON.stringify([status, finish_reason, error, usage, model, actions, isLast, blocks.length])
      : "";
    if (shown === this.#shown) return false;
    this.#shown = shown;
    this.#turn = turn;
    this.#updateError(hasEnded ? error : undefined, isLast);
    const parts = hasEnded ? this.#rowParts(isLast) : [];
    placeChildren(this.#row, parts);
    const place = status === "completed" ? this.#end : this.#answer;
    if (parts.length === 0) this.#row.remove();
    else if (this.#row.parentNode !== place) place.append(this.#row);
    return true;
  }

  /**
   * @param {TurnError | undefined} error
   * @param {boolean} isLast
   */
  #updateError(error, isLast) {
    const turn = this.#turn;
    const shown = error ? JSON.stringify([error, turn.finish_reason, turn.actions, isLast]) : "";
    if (shown === this.#errorShown) return;
    this.#errorShown = shown;
    this.#errorBox?.remove();
    this.#errorBox = null;
    if (!error) return;
    this.#errorBox = createErrorBox({
      error,
      turn,
      recovery: isLast ? this.#recovery.of(turn) : null,
      actions: this.#actions,
      details: () => detailsText(error, { ...this.#turn, at: turn.created_at }),
    });
    this.#answer.insertBefore(this.#errorBox, this.#row.parentNode === this.#answer ? this.#row : null);
  }

  /**
   * The parts of the row. Their texts are in attributes, because the text of an answer is the model's alone.
   * @param {boolean} isLast
   * @returns {HTMLElement[]}
   */
  #rowParts(isLast) {
    const turn = this.#turn;
    /** @type {HTMLElement[]} */
    const parts = [];
    if (answerText(turn)) parts.push(this.#copy);
    const ending = ENDINGS[turn.status];
    const canRecover = isLast && turn.status !== "completed";
    // A failed turn that is not the last one can be answered once more all the same.
    if (this.#isRegenerable && !canRecover) parts.push(this.#regenerate);
    if (ending) {
      this.#state.textContent = ending;
      parts.push(this.#state);
    }
    if (ending && canRecover && !turn.error) parts.push(...this.#recovery.of(turn));
    const usage = usageText(turn);
    if (usage) {
      this.#usage.setAttribute("data-usage", usage.short);
      this.#usage.title = usage.long;
      parts.push(this.#usage);
    }
    return parts;
  }
}

/**
 * Makes these the children of an element. Those that are its children already are not moved.
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} children
 */
function placeChildren(parent, children) {
  for (const child of [...parent.children]) {
    if (!children.includes(/** @type {HTMLElement} */ (child))) child.remove();
  }
  for (const [index, child] of children.entries()) {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there ?? null);
  }
}

/**
 * @param {Turn} turn
 * @returns {string}
 */
function answerText(turn) {
  return turn.blocks
    .filter((block) => block.kind === "text" && block.text)
    .map((block) => block.text)
    .join("\n\n");
}
