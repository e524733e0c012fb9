/**
 * One turn on the screen: the user's message, the answer, and how it ended; or a compaction, which has no message.
 */

import { copy } from "../ui/actions.js";
import { el } from "../ui/dom.js";
import { ask } from "./ask.js";
import { createBlockView } from "./block-view.js";
import { iconButton } from "./icon-button.js";
import { QuestionView } from "./question-view.js";
import { isUnderWay } from "./turn.js";
import { Versions } from "./versions.js";
import { compactionText, usageText, waitingText } from "./words.js";

/** @import {Block, Shown, Turn, TurnError} from "../protocol.js" */
/** @import {BlockView} from "./block-view.js" */
/** @import {QuestionActions} from "./question-view.js" */
/** @import {Step} from "./versions.js" */
/** @import {CallActions} from "./tool-view.js" */

/**
 * @typedef {object} AnswerActions
 * @property {(turnId: string) => void} retry
 * @property {(turnId: string) => void} regenerate
 * @property {(turnId: string) => void} goOn  Has the rest of the answer written.
 * @property {(turnId: string) => void} compact  Has the conversation summarised, and retries.
 * @property {(turnId: string) => void} sendNow
 * @property {CallActions["decide"]} decide
 * @property {CallActions["hosts"]} hosts
 * @property {() => void} openPermissions
 * @property {(turnId: string) => void} cancel
 * @property {() => void} openSettings
 */

/** @typedef {QuestionActions & AnswerActions} TurnActions */

/**
 * @typedef {object} State  Of the whole conversation.
 * @property {boolean} isBusy  Its branches must stay as they are.
 * @property {boolean} isAsking  The worker has yet to answer what was asked of it.
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
  /** @type {QuestionView | null} */
  #question = null;
  #blocks = el("div", { class: "blocks" });
  #answer = el("article", { class: "answer", "aria-label": "Assistant" });
  /** The one line of a compaction. @type {HTMLElement | null} */
  #title = null;
  /** A compaction can stand at the place of a message. @type {Versions | null} */
  #versions = null;
  /** Where the row stands that follows a good answer. @type {HTMLElement} */
  #end;
  #id;
  /** @type {Map<Block, BlockView>} */
  #views = new Map();
  /** The blocks on the page. @type {Block[]} */
  #drawn = [];
  /** @type {Block[] | null} */
  #settled = null;
  #wasLast = false;
  #ending = "";
  /** The row of a turn that stands in line. @type {HTMLElement | null} */
  #inLine = null;
  /** @type {HTMLButtonElement | null} */
  #regenerate = null;
  /** What can be done after a bad end. @type {HTMLButtonElement[]} */
  #waysOn = [];
  /** @type {State} */
  #state = { isBusy: false, isAsking: false };
  /** @type {TurnActions} */
  #actions;

  /**
   * @param {Turn} turn
   * @param {TurnActions} actions
   */
  constructor(turn, actions) {
    this.#id = turn.id;
    this.#actions = actions;
    this.#end = this.#answer;
    if (turn.kind === "compaction") {
      this.#title = el("span", { class: "aside-title" });
      this.#end = el(
        "details",
        { class: "aside" },
        el("summary", {}, el("span", { class: "line" }), this.#title),
        this.#blocks,
      );
      this.#answer.append(this.#end);
      this.#answer.setAttribute("class", "compaction");
      this.#answer.setAttribute("aria-label", "Summary");
      this.#versions = new Versions(this.#answer, actions.showBranch);
    } else {
      this.#answer.append(this.#blocks);
      this.#question = new QuestionView(turn, actions);
    }
  }

  /** What stands on the page, in this order. */
  get nodes() {
    return this.#question ? [this.#question.root, this.#answer] : [this.#answer];
  }

  /**
   * @param {Turn} turn
   * @param {boolean} isLast
   * @param {State} state
   */
  update(turn, isLast, state) {
    this.#question?.update(turn, state.isBusy);
    this.#state = state;
    this.#updateButtons();
    const underWay = isUnderWay(turn);
    // The cost of a frame must not depend on how many turns came before. Everything that comes after the end is a new list of blocks.
    if (!underWay && this.#settled === turn.blocks && this.#wasLast === isLast) {
      this.#versions?.update(turn, state.isBusy);
      return;
    }
    this.#wasLast = isLast;
    if (this.#settled !== turn.blocks) this.#updateBlocks(turn.blocks);
    // What stands in line counts its time down.
    this.#settled = underWay || turn.waiting ? null : turn.blocks;
    if (this.#title) {
      const title = compactionText(turn);
      if (this.#title.textContent !== title) this.#title.textContent = title;
      this.#end.classList.toggle("open", underWay);
    } else {
      this.#answer.classList.toggle("waiting", underWay && !turn.blocks.some((block) => block.text));
    }
    if (underWay) this.#answer.setAttribute("aria-busy", "true");
    else this.#answer.removeAttribute("aria-busy");
    this.#updateInLine(turn);
    this.#updateEnd(turn, underWay || Boolean(turn.waiting), isLast);
    this.#versions?.update(turn, state.isBusy);
  }

  /** @param {Step} step */
  focusVersions(step) {
    this.#question?.focusVersions(step);
    this.#versions?.focus(step);
  }

  remove() {
    for (const node of this.nodes) node.remove();
  }

  /** @param {Block[]} blocks */
  #updateBlocks(blocks) {
    this.#drawn = blocks;
    const wanted = new Set(blocks);
    for (const [block, view] of this.#views) {
      if (wanted.has(block)) continue;
      view.root.remove();
      this.#views.delete(block);
    }
    for (const [index, block] of blocks.entries()) {
      let view = this.#views.get(block);
      if (!view) {
        view = createBlockView(block, { ...this.#actions, shownOf: (wanted) => this.#shownOf(wanted) });
        this.#views.set(block, view);
      }
      view.update(block);
      const there = this.#blocks.children[index];
      if (there !== view.root) this.#blocks.insertBefore(view.root, there ?? null);
    }
  }

  /**
   * What a block has to show, where it came without.
   * @param {Block} block
   * @returns {Promise<Shown>}
   */
  async #shownOf(block) {
    const conversation = this.#actions.conversation();
    const { shown } = await ask({ type: "LoadShown", conversation, turn: this.#id, block: this.#drawn.indexOf(block) });
    return shown ?? {};
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
        el(
          "span",
          { class: "buttons" },
          el("button", { type: "button", onclick: () => sendNow(turn.id) }, "Send now"),
          el("button", { type: "button", onclick: () => cancel(turn.id) }, "Cancel"),
        ),
      );
      this.#answer.append(this.#inLine);
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
      : JSON.stringify([turn.status, turn.error, turn.usage, turn.model, turn.actions, isLast, turn.blocks.length]);
    if (ending === this.#ending) return;
    this.#ending = ending;
    this.#regenerate = null;
    this.#waysOn = [];
    for (const place of [this.#answer, this.#end]) {
      for (const node of place.querySelectorAll(":scope > .error-box, :scope > .after")) node.remove();
    }
    if (underWay) return;
    if (turn.error) this.#answer.append(this.#buildError(turn.error, turn, isLast));
    const after = this.#buildAfter(turn, isLast);
    if (after.childElementCount > 0) (turn.status === "completed" ? this.#end : this.#answer).append(after);
    this.#updateButtons();
  }

  #updateButtons() {
    const { isBusy, isAsking } = this.#state;
    if (this.#regenerate) this.#regenerate.disabled = isBusy;
    for (const button of this.#waysOn) button.disabled = isAsking;
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
    if (isLast) actions.append(...this.#buildWaysOn(turn));
    if (error.limit) {
      actions.append(el("button", { type: "button", onclick: this.#actions.openPermissions }, "Change the limits"));
    }
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
    if (answerText(turn)) {
      const button = iconButton("Copy answer", ["copy", "check"], () => copy(answerText(turn), button));
      button.setAttribute("data-label", "Copy answer");
      row.append(button);
    }
    const ending = ENDINGS[turn.status];
    const hasWaysOn = isLast && turn.status !== "completed";
    // What is not the last turn's failure can be asked once more all the same.
    if (this.#question && !hasWaysOn) {
      this.#regenerate = iconButton("Regenerate", ["regenerate"], () => this.#actions.regenerate(turn.id));
      row.append(this.#regenerate);
    }
    if (ending) row.append(el("span", { class: "state" }, ending));
    if (ending && hasWaysOn && !turn.error) row.append(...this.#buildWaysOn(turn));
    const usage = usageText(turn);
    if (usage) row.append(el("span", { class: "usage", "data-usage": usage.short, title: usage.long }));
    return row;
  }

  /**
   * What can be done about a turn that ended badly, the most helpful first.
   * @param {Turn} turn
   * @returns {HTMLButtonElement[]}
   */
  #buildWaysOn(turn) {
    const { goOn, compact, retry } = this.#actions;
    /** @type {[string, (turnId: string) => void][]} */
    const ways = [["Retry", retry]];
    if (turn.actions?.includes("compact")) ways.unshift(["Summarise and retry", compact]);
    if (turn.actions?.includes("continue")) ways.unshift(["Continue", goOn]);
    this.#waysOn = ways.map(([label, act]) =>
      el("button", { type: "button", class: "way-on", onclick: () => act(turn.id) }, label),
    );
    return this.#waysOn;
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
