/**
 * The blocks of an answer on the page, in their order. Each has a view, which stays as long as its block only grows.
 */

import { hasEnded } from "../../shared/turn.js";
import { el } from "../../ui/dom.js";
import { ask } from "../worker-link/ask.js";
import { createBlockView } from "./block-view.js";
import { PlainView } from "./plain-view.js";

/** @import {Block, Shown, Turn} from "../../shared/protocol.js" */
/** @import {CallActions} from "../tools/tool-view.js" */
/** @import {BlockView} from "./block-view.js" */

/** @typedef {Omit<CallActions, "artifactsOf"> & {conversation: () => string}} BlockActions */

export class AnswerBlocks {
  root = el("div", { class: "blocks" });
  #turnId;
  #actions;
  #onDrawn;
  /** @type {Map<Block, BlockView>} */
  #views = new Map();
  /** The blocks on the page. @type {Block[]} */
  #drawn = [];

  /**
   * @param {string} turnId
   * @param {BlockActions} actions
   * @param {() => void} onDrawn  A block is drawn whose end was left for later frames.
   */
  constructor(turnId, actions, onDrawn) {
    this.#turnId = turnId;
    this.#actions = actions;
    this.#onDrawn = onDrawn;
  }

  /** False while a part of a block waits for the next frames. */
  get isDrawn() {
    return [...this.#views.values()].every((view) => view.isDrawn !== false);
  }

  /** @param {Turn} turn */
  update(turn) {
    const { blocks } = turn;
    this.#drawn = blocks;
    this.#keepViews(blocks);
    for (const [index, block] of blocks.entries()) {
      const view = this.#drawBlock(block, hasEnded(turn));
      const there = this.root.children[index];
      if (there !== view.root) this.root.insertBefore(view.root, there ?? null);
    }
  }

  /**
   * Gives views to the blocks that have taken the place of others, and removes the views of blocks that are gone.
   * @param {Block[]} blocks
   */
  #keepViews(blocks) {
    const wanted = new Set(blocks);
    const left = [...this.#views].filter(([block]) => !wanted.has(block));
    for (const block of blocks) {
      if (this.#views.has(block)) continue;
      // A text that became another one is mostly the same, so its view is used again.
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
  }

  /**
   * The view of a block, brought up to date. A block that cannot be drawn is shown as plain text, and the other blocks
   * are not affected.
   * @param {Block} block
   * @param {boolean} isOver  Its turn has ended.
   * @returns {BlockView}
   */
  #drawBlock(block, isOver) {
    const known = this.#views.get(block);
    try {
      const actions = { ...this.#actions, artifactsOf: (/** @type {Block} */ wanted) => this.#loadArtifacts(wanted) };
      const view = known ?? createBlockView(block, actions, this.#onDrawn);
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
   * Loads the artifacts of a block that came without them.
   * @param {Block} block
   * @returns {Promise<Shown>}
   */
  async #loadArtifacts(block) {
    const conversation = this.#actions.conversation();
    const index = this.#drawn.indexOf(block);
    const { shown } = await ask({ type: "LoadShown", conversation, turn: this.#turnId, block: index });
    return shown ?? {};
  }
}

/**
 * Whether a block is what became of another one.
 * @param {Block} old
 * @param {Block} block
 */
function isSuccessor(old, block) {
  if (old.kind !== block.kind) return false;
  // There is one text without an id at a time, while each call has an id of its own.
  return block.kind === "tool"
    ? block.item_id !== undefined && old.item_id === block.item_id && old.call_id === block.call_id
    : true;
}
