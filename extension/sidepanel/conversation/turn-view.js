/**
 * One turn on the screen: the user's message, the answer, and how it ended; or a compaction, which has no message.
 */

import { hasEnded, isUnderWay } from "../../shared/turn.js";
import { el, setChildren } from "../../ui/dom.js";
import { iconButton } from "../../ui/icon-button.js";
import { createBlockView } from "./block-view.js";
import { asText, detailsText } from "./error-details.js";
import { copy, copyDetailsButton } from "./markdown-actions.js";
import { QuestionView } from "./message-view.js";
import { PlainView } from "./plain-view.js";
import { compactionText, usageText, waitingText } from "./turn-labels.js";
import { Versions } from "./versions.js";

/** @import {Block, Shown, Turn, TurnError} from "../../shared/protocol.js" */
/** @import {BlockView} from "./block-view.js" */
/** @import {QuestionActions} from "./message-view.js" */
/** @import {Step} from "./versions.js" */
/** @import {CallActions} from "../tools/tool-view.js" */

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

/** Finish reasons that say nothing of what went wrong. */
const NORMAL_ENDS = new Set(["stop", "end_turn", "eos", "completed", "tool_calls", "function_call"]);

export class TurnView {
  /** @type {QuestionView | null} */
  #question = null;
  #blocks = el("div", { class: "blocks" });
  #answer = el("article", { class: "answer", "aria-label": "Assistant" });
  /** The one line of a compaction. @type {HTMLElement | null} */
  #title = null;
  /** What the user should know of the answer, below it. */
  #notices = el("div", { class: "notices" });
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
  #isUnderWay = false;
  #wasLast = false;
  #ending = "";
  /** The row of a turn that stands in line. @type {HTMLElement | null} */
  #inLine = null;
  /** How the turn stands, for what is done on a press. @type {Turn} */
  #turn;
  /** The row below the answer. What stands in it stays when something is added: it may be pressed. */
  #after = el("div", { class: "after" });
  #copy = iconButton("Copy answer", ["copy", "check"], () => copy(answerText(this.#turn), this.#copy));
  #regenerate = iconButton("Regenerate", ["regenerate"], () => this.#actions.regenerate(this.#id));
  #stateWord = el("span", { class: "state" });
  #usage = el("span", { class: "usage" });
  #failed = el("p", { class: "undrawn", role: "note" }, "A part of this turn could not be drawn.");
  /** @type {HTMLElement | null} */
  #errorBox = null;
  /** What the box was built from. */
  #errorShown = "";
  /** What can be done after a bad end, @type {HTMLButtonElement[]} */
  #waysOn = [];
  /** and what that was built from. */
  #waysShown = "";
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
    this.#turn = turn;
    this.#copy.setAttribute("data-label", "Copy answer");
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
    this.#safely(() => this.#question?.update(turn, state.isBusy));
    this.#state = state;
    this.#updateButtons();
    const underWay = isUnderWay(turn);
    // The cost of a frame must not depend on how many turns came before. Everything that comes after the end is a new list of blocks.
    if (!underWay && this.#settled === turn.blocks && this.#wasLast === isLast) {
      this.#safely(() => this.#versions?.update(turn, state.isBusy));
      return;
    }
    this.#wasLast = isLast;
    if (this.#settled !== turn.blocks) this.#safely(() => this.#updateBlocks(turn));
    // What stands in line counts its time down.
    this.#settled = underWay || turn.waiting ? null : turn.blocks;
    if (this.#title) {
      this.#safely(() => this.#updateTitle(turn));
      this.#end.classList.toggle("open", underWay);
    } else {
      this.#answer.classList.toggle("waiting", underWay && !turn.blocks.some((block) => block.text));
    }
    this.#isUnderWay = underWay;
    this.#updateBusy();
    this.#safely(() => this.#updateNotices(turn.notices ?? []));
    this.#safely(() => this.#updateInLine(turn));
    this.#safely(() => this.#updateEnd(turn, underWay || Boolean(turn.waiting), isLast));
    this.#safely(() => this.#versions?.update(turn, state.isBusy));
  }

  /**
   * Draws one part of a turn. Where that fails, the turn says so, and its other parts are drawn.
   * @param {() => void} draw
   */
  #safely(draw) {
    try {
      draw();
    } catch (error) {
      console.error("A part of a turn cannot be drawn:", error);
      if (!this.#failed.isConnected) this.#answer.append(this.#failed);
    }
  }

  /** @param {Turn} turn */
  #updateTitle(turn) {
    const title = compactionText(turn);
    if (this.#title && this.#title.textContent !== title) this.#title.textContent = title;
  }

  /** A long answer is drawn over several frames, and takes as long after its last word as that needs. */
  #updateBusy() {
    const isBusy = this.#isUnderWay || [...this.#views.values()].some((view) => view.isDrawn === false);
    if (isBusy) this.#answer.setAttribute("aria-busy", "true");
    else this.#answer.removeAttribute("aria-busy");
  }

  /** @param {Step} step */
  focusVersions(step) {
    this.#question?.focusVersions(step);
    this.#versions?.focus(step);
  }

  remove() {
    for (const node of this.nodes) node.remove();
  }

  /** @param {Turn} turn */
  #updateBlocks(turn) {
    const { blocks } = turn;
    this.#drawn = blocks;
    const wanted = new Set(blocks);
    const left = [...this.#views].filter(([block]) => !wanted.has(block));
    for (const block of blocks) {
      if (this.#views.has(block)) continue;
      // A text that became another one is mostly the same: its view goes on.
      const at = left.findIndex(([old]) => isSuccessor(old, block));
      const [successor] = at < 0 ? [] : left.splice(at, 1);
      if (!successor) continue;
      this.#views.delete(successor[0]);
      this.#views.set(block, successor[1]);
    }
    for (const [block, view] of left) {
      view.root.remove();
      this.#views.delete(block);
    }
    for (const [index, block] of blocks.entries()) {
      const view = this.#drawBlock(block, hasEnded(turn));
      const there = this.#blocks.children[index];
      if (there !== view.root) this.#blocks.insertBefore(view.root, there ?? null);
    }
  }

  /**
   * The view of a block, brought up to date. One that cannot be drawn is shown as plain text, and the others as they are.
   * @param {Block} block
   * @param {boolean} isOver  Its turn has ended.
   * @returns {BlockView}
   */
  #drawBlock(block, isOver) {
    const known = this.#views.get(block);
    try {
      const actions = { ...this.#actions, shownOf: (/** @type {Block} */ wanted) => this.#shownOf(wanted) };
      const view = known ?? createBlockView(block, actions, () => this.#updateBusy());
      view.update(block, isOver);
      this.#views.set(block, view);
      return view;
    } catch (error) {
      console.error("A part of an answer cannot be drawn:", error);
      const plain = new PlainView(this.#actions);
      plain.update(block);
      known?.root.remove();
      this.#views.set(block, plain);
      return plain;
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

  /** @param {string[]} notices */
  #updateNotices(notices) {
    const shown = this.#notices.children;
    if (notices.length === shown.length && notices.every((text, at) => shown[at].textContent === text)) return;
    setChildren(
      this.#notices,
      notices.map((text) => el("p", { role: "note" }, text)),
    );
    if (notices.length === 0) this.#notices.remove();
    else this.#answer.insertBefore(this.#notices, this.#answer.children[1] ?? null);
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
    const text = waitingText(turn.waiting, Date.now(), turn.blocks.length > 0);
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
      : JSON.stringify([
          ...[turn.status, turn.finish_reason, turn.error, turn.usage],
          ...[turn.model, turn.actions, isLast, turn.blocks.length],
        ]);
    if (ending === this.#ending) return;
    this.#ending = ending;
    this.#turn = turn;
    this.#updateError(underWay ? undefined : turn.error, turn, isLast);
    const parts = underWay ? [] : this.#partsAfter(turn, isLast);
    placeChildren(this.#after, parts);
    const place = turn.status === "completed" ? this.#end : this.#answer;
    if (parts.length === 0) this.#after.remove();
    else if (this.#after.parentNode !== place) place.append(this.#after);
    this.#updateButtons();
  }

  /**
   * @param {TurnError | undefined} error
   * @param {Turn} turn
   * @param {boolean} isLast
   */
  #updateError(error, turn, isLast) {
    const shown = error ? JSON.stringify([error, turn.finish_reason, turn.actions, isLast]) : "";
    if (shown === this.#errorShown) return;
    this.#errorShown = shown;
    this.#errorBox?.remove();
    this.#errorBox = error ? this.#buildError(error, turn, isLast) : null;
    if (!this.#errorBox) return;
    this.#answer.insertBefore(this.#errorBox, this.#after.parentNode === this.#answer ? this.#after : null);
  }

  #updateButtons() {
    const { isBusy, isAsking } = this.#state;
    this.#regenerate.disabled = isBusy;
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
    const said = asText(error.server_message);
    if (said && !error.message.includes(said)) box.append(el("p", { class: "said" }, `The server said: “${said}”`));
    const { finish_reason: reason } = turn;
    const details = [
      error.status && !error.message.includes(String(error.status)) && `HTTP ${error.status}`,
      reason && !NORMAL_ENDS.has(reason) && !error.message.includes(reason) && `finish reason ${reason}`,
      error.request_id && `request ${error.request_id}`,
    ].filter(Boolean);
    if (details.length > 0) box.append(el("p", { class: "details" }, details.join(" · ")));
    // A button that changes its label must not have the whole alert read out again.
    const actions = el("div", { class: "actions", "aria-live": "off" });
    if (isLast) actions.append(...this.#buildWaysOn(turn));
    if (error.limit) {
      actions.append(el("button", { type: "button", onclick: this.#actions.openPermissions }, "Change the limits"));
    }
    if (SETTINGS_HELP.has(error.kind)) {
      actions.append(el("button", { type: "button", onclick: this.#actions.openSettings }, "Open settings"));
    }
    actions.append(copyDetailsButton(() => detailsText(error, { ...this.#turn, at: turn.created_at })));
    box.append(actions);
    return box;
  }

  /**
   * What stands in the row below an answer. Its words are in attributes: the text of an answer is the model's alone.
   * @param {Turn} turn
   * @param {boolean} isLast
   * @returns {HTMLElement[]}
   */
  #partsAfter(turn, isLast) {
    /** @type {HTMLElement[]} */
    const parts = [];
    if (answerText(turn)) parts.push(this.#copy);
    const ending = ENDINGS[turn.status];
    const hasWaysOn = isLast && turn.status !== "completed";
    // What is not the last turn's failure can be asked once more all the same.
    if (this.#question && !hasWaysOn) parts.push(this.#regenerate);
    if (ending) {
      this.#stateWord.textContent = ending;
      parts.push(this.#stateWord);
    }
    if (ending && hasWaysOn && !turn.error) parts.push(...this.#buildWaysOn(turn));
    const usage = usageText(turn);
    if (usage) {
      this.#usage.setAttribute("data-usage", usage.short);
      this.#usage.title = usage.long;
      parts.push(this.#usage);
    }
    return parts;
  }

  /**
   * What can be done about a turn that ended badly, the most helpful first.
   * @param {Turn} turn
   * @returns {HTMLButtonElement[]}
   */
  #buildWaysOn(turn) {
    const shown = JSON.stringify(turn.actions ?? []);
    if (shown === this.#waysShown) return this.#waysOn;
    this.#waysShown = shown;
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
 * Makes these the children of an element. What is among them already is not moved.
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
 * Whether a block is what became of another one.
 * @param {Block} old
 * @param {Block} block
 */
function isSuccessor(old, block) {
  if (old.kind !== block.kind) return false;
  // Of words without an id there is one at a time; each call has its own.
  return block.kind === "tool"
    ? block.item_id !== undefined && old.item_id === block.item_id && old.call_id === block.call_id
    : true;
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
