/**
 * One turn on the screen: the user's message, the answer, and how it ended; or a compaction, which has no message.
 */

import { text as message } from "../../shared/text.js";
import { isUnderWay } from "../../shared/turn.js";
import { el, setChildren } from "../../ui/dom.js";
import { AnswerBlocks } from "./answer-blocks.js";
import { MessageView } from "./message-view.js";
import { QueueRow } from "./queue-row.js";
import { TurnEnd } from "./turn-end.js";
import { compactionText } from "./turn-labels.js";
import { Versions } from "./versions.js";

/** @import {Block, Turn} from "../../shared/protocol.js" */
/** @import {BlockActions} from "./answer-blocks.js" */
/** @import {MessageActions} from "./message-view.js" */
/** @import {EndActions} from "./turn-end.js" */
/** @import {Step} from "./versions.js" */

/**
 * @typedef {object} QueueActions
 * @property {(turnId: string) => void} sendNow
 * @property {(turnId: string) => void} cancel
 */

/** @typedef {MessageActions & BlockActions & EndActions & QueueActions} TurnActions */

/**
 * @typedef {object} State  Of the whole conversation.
 * @property {boolean} isBusy  Its branches must stay as they are.
 * @property {boolean} isAsking  The worker has yet to answer what was asked of it.
 */

export class TurnView {
  /** @type {MessageView | null} */
  #question = null;
  #answer = el("article", { class: "answer", "aria-label": message("conversation_assistant") });
  #blocks;
  #end;
  /** The one line of a compaction. @type {HTMLElement | null} */
  #title = null;
  /** The box that unfolds to a compaction's summary. @type {HTMLElement | null} */
  #summary = null;
  /** What the user should know of the answer, below it. */
  #notices = el("div", { class: "notices" });
  /** A compaction can stand at the place of a message. @type {Versions | null} */
  #versions = null;
  /** @type {QueueRow | null} */
  #queueRow = null;
  /** The blocks that are drawn for good. @type {Block[] | null} */
  #settled = null;
  #isUnderWay = false;
  #wasLast = false;
  #failed = el("p", { class: "undrawn", role: "note" }, message("conversation_part_missing"));
  /** @type {State} */
  #state = { isBusy: false, isAsking: false };
  #actions;

  /**
   * @param {Turn} turn
   * @param {TurnActions} actions
   */
  constructor(turn, actions) {
    this.#actions = actions;
    this.#blocks = new AnswerBlocks(turn.id, actions, () => this.#updateBusy());
    if (turn.kind === "compaction") this.#buildCompaction();
    else {
      this.#answer.append(this.#blocks.root);
      this.#question = new MessageView(turn, actions);
    }
    this.#end = new TurnEnd({
      turn,
      answer: this.#answer,
      end: this.#summary ?? this.#answer,
      isRegenerable: this.#question !== null,
      actions,
    });
  }

  #buildCompaction() {
    this.#title = el("span", { class: "aside-title" });
    this.#summary = el(
      "details",
      { class: "aside" },
      el("summary", {}, el("span", { class: "line" }), this.#title),
      this.#blocks.root,
    );
    this.#answer.append(this.#summary);
    this.#answer.setAttribute("class", "compaction");
    this.#answer.setAttribute("aria-label", message("conversation_summary"));
    this.#versions = new Versions(this.#answer, this.#actions.showBranch);
  }

  /** The elements of the turn, in this order. */
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
    this.#end.updateButtons(state);
    const underWay = isUnderWay(turn);
    // The cost of a frame must not depend on how many turns came before. What arrives after the end comes as a new list
    // of blocks.
    if (!underWay && this.#settled === turn.blocks && this.#wasLast === isLast) {
      this.#safely(() => this.#versions?.update(turn, state.isBusy));
      return;
    }
    this.#wasLast = isLast;
    if (this.#settled !== turn.blocks) this.#safely(() => this.#blocks.update(turn));
    // A queued turn counts its time down.
    this.#settled = underWay || turn.waiting ? null : turn.blocks;
    if (this.#title) {
      this.#safely(() => this.#updateTitle(turn));
      this.#summary?.classList.toggle("open", underWay);
    } else {
      this.#answer.classList.toggle("waiting", underWay && !turn.blocks.some((block) => block.text));
    }
    this.#isUnderWay = underWay;
    this.#updateBusy();
    this.#safely(() => this.#updateNotices(turn.notices ?? []));
    this.#safely(() => this.#updateQueueRow(turn));
    this.#safely(() => this.#updateEnd(turn, isLast));
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

  /**
   * A long answer is drawn over several frames, and is busy until all of it is drawn, also after its last word has
   * come.
   */
  #updateBusy() {
    const isBusy = this.#isUnderWay || !this.#blocks.isDrawn;
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
  #updateQueueRow(turn) {
    if (!turn.waiting) {
      this.#queueRow?.root.remove();
      this.#queueRow = null;
      return;
    }
    if (!this.#queueRow) {
      this.#queueRow = new QueueRow(turn.id, this.#actions);
      this.#answer.append(this.#queueRow.root);
    }
    this.#queueRow.update(turn);
  }

  /**
   * @param {Turn} turn
   * @param {boolean} isLast
   */
  #updateEnd(turn, isLast) {
    const hasEnded = !this.#isUnderWay && !turn.waiting;
    if (this.#end.update(turn, hasEnded, isLast)) this.#end.updateButtons(this.#state);
  }
}
