/**
 * One turn on the screen: the user's message, the answer, and how it ended.
 */

import { copy } from "../ui/actions.js";
import { el, icon } from "../ui/dom.js";
import { createBlockView } from "./block-view.js";
import { isUnderWay } from "./conversation.js";
import { usageText, waitingText } from "./words.js";

/** @import {Block, Turn, TurnError} from "../protocol.js" */
/** @import {BlockView} from "./block-view.js" */

/**
 * @typedef {object} TurnActions
 * @property {(turnId: string) => void} retry
 * @property {(turnId: string) => void} sendNow
 * @property {(turnId: string) => void} cancel
 * @property {() => void} openSettings
 */

/** How a turn ended, when it did not end well. */
const ENDINGS = /** @type {Record<string, string>} */ ({
  stopped: "Stopped",
  interrupted: "Interrupted before its end",
  incomplete: "Incomplete",
});

/** Errors whose cause may lie in the settings. */
const SETTINGS_HELP = new Set([
  "configuration",
  "unsupported",
  "network",
  "bad_response",
  "authentication",
  "sign_in_required",
  "permission",
  "not_found",
  "model_not_found",
]);

export class TurnView {
  question = el("article", { class: "question", "aria-label": "You" });
  #blocks = el("div", { class: "blocks" });
  answer = el("article", { class: "answer", "aria-label": "Assistant" }, this.#blocks);
  /** @type {Map<Block, BlockView>} */
  #views = new Map();
  /** @type {Block[] | null} */
  #settled = null;
  #wasLast = false;
  #ending = "";
  /** The row of a turn that stands in line. @type {HTMLElement | null} */
  #inLine = null;
  /** @type {TurnActions} */
  #actions;

  /** @param {TurnActions} actions */
  constructor(actions) {
    this.#actions = actions;
  }

  /**
   * @param {Turn} turn
   * @param {boolean} isLast
   */
  update(turn, isLast) {
    const underWay = isUnderWay(turn);
    // The cost of a frame must not depend on how many turns came before. Everything that comes after the end is a new list of blocks.
    if (!underWay && this.#settled === turn.blocks && this.#wasLast === isLast) return;
    this.#wasLast = isLast;
    if (this.question.textContent !== turn.user) this.question.textContent = turn.user;
    if (this.#settled !== turn.blocks) this.#updateBlocks(turn.blocks);
    // What stands in line counts its time down.
    this.#settled = underWay || turn.waiting ? null : turn.blocks;
    this.answer.classList.toggle("waiting", underWay && !turn.blocks.some((block) => block.text));
    if (underWay) this.answer.setAttribute("aria-busy", "true");
    else this.answer.removeAttribute("aria-busy");
    this.#updateInLine(turn);
    this.#updateEnd(turn, underWay || Boolean(turn.waiting), isLast);
  }

  remove() {
    this.question.remove();
    this.answer.remove();
  }

  /** @param {Block[]} blocks */
  #updateBlocks(blocks) {
    const wanted = new Set(blocks);
    for (const [block, view] of this.#views) {
      if (wanted.has(block)) continue;
      view.root.remove();
      this.#views.delete(block);
    }
    for (const [index, block] of blocks.entries()) {
      let view = this.#views.get(block);
      if (!view) {
        view = createBlockView(block);
        this.#views.set(block, view);
      }
      view.update(block);
      const there = this.#blocks.children[index];
      if (there !== view.root) this.#blocks.insertBefore(view.root, there ?? null);
    }
  }

  /** @param {Turn} turn */
  #updateInLine(turn) {
    if (!turn.waiting) {
      this.#inLine?.remove();
      this.#inLine = null;
      return;
    }
    if (!this.#inLine) {
      const { sendNow, cancel } = this.#actions;
      this.#inLine = el(
        "div",
        { class: "in-line" },
        el("span", {}),
        el("button", { type: "button", onclick: () => sendNow(turn.id) }, "Send now"),
        el("button", { type: "button", onclick: () => cancel(turn.id) }, "Cancel"),
      );
      this.answer.append(this.#inLine);
    }
    const place = /** @type {HTMLElement} */ (this.#inLine.firstElementChild);
    const text = waitingText(turn.waiting, Date.now());
    if (place.textContent !== text) place.textContent = text;
  }

  /**
   * @param {Turn} turn
   * @param {boolean} underWay
   * @param {boolean} isLast
   */
  #updateEnd(turn, underWay, isLast) {
    const ending = underWay
      ? ""
      : JSON.stringify([turn.status, turn.error, turn.usage, turn.model, isLast, turn.blocks.length]);
    if (ending === this.#ending) return;
    this.#ending = ending;
    for (const node of this.answer.querySelectorAll(":scope > .error-box, :scope > .after")) node.remove();
    if (underWay) return;
    if (turn.error) this.answer.append(this.#buildError(turn.error, turn, isLast));
    const after = this.#buildAfter(turn, isLast);
    if (after.childElementCount > 0) this.answer.append(after);
  }

  /**
   * @param {TurnError} error
   * @param {Turn} turn
   * @param {boolean} isLast
   * @returns {HTMLElement}
   */
  #buildError(error, turn, isLast) {
    const box = el("div", { class: "error-box", role: isLast && "alert" }, el("p", { class: "what" }, error.message));
    if (error.hint) box.append(el("p", {}, error.hint));
    if (error.server_message && !error.message.includes(error.server_message)) {
      box.append(el("p", {}, `The server said: “${error.server_message}”`));
    }
    const details = [
      error.status && !error.message.includes(String(error.status)) && `HTTP ${error.status}`,
      error.request_id && `request ${error.request_id}`,
    ].filter(Boolean);
    if (details.length > 0) box.append(el("p", { class: "details" }, details.join(" · ")));
    const actions = el("div", { class: "actions" });
    if (isLast) actions.append(this.#buildRetry(turn));
    if (SETTINGS_HELP.has(error.kind)) {
      actions.append(el("button", { type: "button", onclick: this.#actions.openSettings }, "Open settings"));
    }
    if (actions.childElementCount > 0) box.append(actions);
    return box;
  }

  /**
   * The row below an answer. Its words are in attributes: the text of an answer is the model's alone.
   * @param {Turn} turn
   * @param {boolean} isLast
   * @returns {HTMLElement}
   */
  #buildAfter(turn, isLast) {
    const row = el("div", { class: "after" });
    const text = answerText(turn);
    if (text) {
      const label = "Copy answer";
      const button = el("button", {
        type: "button",
        class: "quiet icon-only",
        "aria-label": label,
        title: label,
        "data-label": label,
      });
      button.append(icon("copy"), icon("check"));
      button.addEventListener("click", () => copy(answerText(turn), button));
      row.append(button);
    }
    const ending = ENDINGS[turn.status];
    if (ending) row.append(el("span", { class: "state" }, ending));
    if (ending && isLast && !turn.error) row.append(this.#buildRetry(turn));
    const usage = usageText(turn);
    if (usage) row.append(el("span", { class: "usage", "data-usage": usage.short, title: usage.long }));
    return row;
  }

  /** @param {Turn} turn */
  #buildRetry(turn) {
    const button = el("button", { type: "button", class: "retry" }, "Retry");
    button.addEventListener("click", () => {
      button.disabled = true;
      this.#actions.retry(turn.id);
    });
    return button;
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
