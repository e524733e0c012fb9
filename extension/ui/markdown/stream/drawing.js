/**
 * A text on the page, as far as it was taken in. Only its tail is parsed, and the nodes of the tail are patched.
 *
 * A block leaves the tail when a later block has a whole line of its own: from then on it is frozen. Inside the last
 * block, which is open, finished items, rows, lines of code and quoted blocks leave the tail in the same way
 * (`levels.js`).
 */

import { isCompatible, patch, patchShell } from "../patch.js";
import { CodeBlocks, endsInCode } from "./code-blocks.js";
import { levelOf } from "./divisible.js";
import { beginGroup, gather, gatherWithin, isFull } from "./groups.js";
import { contentOf, continues, headOf, keepDirection, setDirection } from "./levels.js";
import { LongParagraphs } from "./long-paragraphs.js";
import { References } from "./references.js";
import { SafeParser } from "./safe-parser.js";
import { SafeView } from "./safe-view.js";
import { Tail } from "./tail.js";

/** @import {BlockNode, parse} from "../../../shared/markdown/parse.js" */
/** @import {ElementView, Mounted, View} from "../patch.js" */
/** @import {Level} from "./levels.js" */
/** @import {Waiting} from "./references.js" */

/**
 * A last line that may yet become something else (a list, a rule, a heading's underline) is not drawn before it is
 * known.
 */
const UNDECIDED_LINE = /^[ \t>]*(?:[-*+_=#`~|: \t]+|\d{1,9}[.)]?[ \t]*|(?:`{3,}|~{3,})[^`]*)$/;
/** A longer line is drawn all the same, or it would appear in one piece at its end. */
const LONG_LINE = 1_000;
/** Inside of code only its end is undecided. */
const UNDECIDED_CODE = /^[ \t>]*(?:`*|~*)[ \t]*$/;

export class Drawing {
  /** All that was taken in. */
  source = "";
  /** Everything is drawn, and nothing is in the tail. */
  isOver = false;
  /** Blocks of an earlier text are behind those that are drawn. */
  hasRemains = false;

  #tail = new Tail();
  /** @type {Level[]} */
  #levels;
  #longBlock;
  #references;
  #parser;
  #views;
  #code;
  #paragraphs;
  /** More text may follow the tail. */
  #isGrowing = true;
  /**
   * The frozen blocks: where each begins in the source, and at which place of the page.
   * @type {{start: number, group: Mounted, index: number}[]}
   */
  #blocks = [];

  /**
   * @param {HTMLElement} root
   * @param {object} options
   * @param {typeof parse} options.parser
   * @param {(node: any) => View | null} options.viewer
   * @param {(code: HTMLElement) => void} options.onCode
   * @param {number} options.longBlock
   */
  constructor(root, { parser, viewer, onCode, longBlock }) {
    /** @type {Mounted} */
    const mounted = { view: { tag: "div" }, node: root, children: [] };
    const tail = this.#tail;
    const levels = [/** @type {Level} */ ({ type: "root", shell: mounted, mounted, from: 0, start: 0 })];
    const references = new References(parser);
    const safeParser = new SafeParser(parser, references);
    const views = new SafeView(viewer, tail);
    this.#levels = levels;
    this.#longBlock = longBlock;
    this.#references = references;
    this.#parser = safeParser;
    this.#views = views;
    this.#code = new CodeBlocks(tail, onCode);
    this.#paragraphs = new LongParagraphs({ levels, tail, parser: safeParser, views, references });
  }

  /** The length of what has to be parsed. */
  get tailLength() {
    return this.#tail.text.length;
  }

  /** Whether there are frozen parts to draw again. */
  get hasLate() {
    return this.#references.hasLate;
  }

  /**
   * Takes more text in, without drawing it.
   * @param {string} text
   */
  take(text) {
    this.source += text;
    this.#tail.text += text;
  }

  /**
   * Draws the tail.
   * @param {object} state
   * @param {boolean} state.isGrowing  More text may arrive.
   * @param {boolean} state.hasPending  More text has arrived, and is not taken in yet.
   */
  draw({ isGrowing, hasPending }) {
    const isEnd = !isGrowing && !hasPending;
    const tail = this.#tail;
    const head = headOf(this.#levels, this.#levels.length);
    const { lastLine } = tail;
    this.#isGrowing = isGrowing;
    tail.shift = tail.start - head.length;
    tail.visibleEnd = this.source.length;
    let nodes;
    if (!isEnd && lastLine.length < LONG_LINE && UNDECIDED_LINE.test(lastLine)) {
      nodes = this.#parser.parse(head + tail.text.slice(0, tail.text.length - lastLine.length), true);
      if (endsInCode(nodes) && !UNDECIDED_CODE.test(lastLine)) nodes = this.#parser.parse(head + tail.text, true);
      else tail.visibleEnd -= lastLine.length;
    } else {
      nodes = this.#parser.parse(head + tail.text, !isEnd);
    }
    this.hasRemains &&= hasPending;
    this.#settle(0, nodes, isEnd);
    if (!isEnd) return;
    tail.cut(this.source.length);
    this.isOver = true;
  }

  /**
   * Draws a frozen part again whose definition has arrived. It stays as it is when that fails.
   * @returns {boolean}  False when there is none.
   */
  drawLate() {
    const late = this.#references.takeLate();
    if (!late) return false;
    const { text, levels, mounted } = late;
    let nodes = this.#parser.parse(text, false);
    for (let depth = 1; depth < levels.length && nodes.length > 0; depth++) {
      nodes = contentOf(levels[depth], nodes[0]);
    }
    const fresh = nodes.length === 1 ? this.#views.ifDrawable(nodes[0]) : null;
    if (fresh && isCompatible(mounted.view, fresh)) patch(mounted, fresh);
    return true;
  }

  /**
   * Takes back the blocks from a place in the source on. They stay on the page until others take their places.
   * @param {number} from
   * @returns {string}  Their text, which is to be taken in again.
   */
  reopen(from) {
    for (const level of this.#levels) if (level.type === "code") this.#code.restoreView(level);
    const [root, open] = this.#levels;
    if (open) this.#blocks.push({ start: open.start, group: root.mounted, index: root.from });
    const index = this.#firstChanged(from);
    const { start, group, index: place } = this.#blocks[index] ?? { start: 0, group: root.shell, index: 0 };
    this.#blocks.length = Math.max(index, 0);
    this.#levels.length = 1;
    root.mounted = group;
    root.from = place;
    gather(root.shell, group);
    for (const block of group.children.slice(place)) gatherWithin(block);
    const reopened = this.source.slice(start);
    this.source = this.source.slice(0, start);
    this.#tail.reset(start);
    this.isOver = false;
    this.hasRemains = true;
    this.#references.forget(start);
    return reopened;
  }

  /**
   * The first of the frozen blocks that has to be drawn again when the text changes from a place on; -1 for all of
   * them.
   * @param {number} from
   * @returns {number}
   */
  #firstChanged(from) {
    // A line more may make another block of the one before.
    const index = this.#blocks.findLastIndex(({ start }) => start <= from) - 1;
    const start = this.#blocks[index]?.start ?? 0;
    const first = this.#references.firstUse(start);
    return first < start ? this.#firstChanged(first) : index;
  }

  /**
   * Draws the open parts of a container, and freezes those that are finished.
   * @param {number} depth  Of the container among the levels.
   * @param {BlockNode[]} nodes
   * @param {boolean} isClosing  Nothing more can come into it.
   */
  #settle(depth, nodes, isClosing) {
    const level = this.#levels[depth];
    const below = this.#levels[depth + 1];
    let isBelowOver = false;
    // All of the tail may be a line that is undecided.
    if (below && nodes.length === 0 && !isClosing) return;
    if (below) {
      const isContinued = nodes.length > 0 && continues(below, nodes[0]);
      const rest = isContinued ? nodes.slice(1) : nodes;
      isBelowOver = isClosing || !isContinued || this.#tail.lastCertain(rest) >= 0;
      if (isContinued) this.#drawLevel(depth + 1, nodes[0], isBelowOver);
      if (!isBelowOver) {
        this.#patchParts(level, level.from + 1, rest);
        return;
      }
      this.#close(depth + 1);
      nodes = rest;
    }
    const drawn = this.#patchParts(level, level.from, nodes);
    const last = isClosing ? nodes.length : Math.max(this.#tail.lastCertain(nodes), 0);
    for (let index = 0; index < nodes.length; index++) {
      this.#code.reportIn(nodes[index], drawn[index], index < last);
      if (index < last) this.#freeze(depth, nodes[index], drawn[index]);
    }
    if (last >= nodes.length) return;
    if (last > 0 || isBelowOver) this.#tail.cut(nodes[last].start + this.#tail.shift);
    if (isFull(level)) {
      level.mounted = beginGroup(level.shell, level.mounted, level.from);
      level.from = 0;
    }
    this.#descend(depth, nodes[last], drawn[last]);
  }

  /**
   * Draws the rest of an open container.
   * @param {number} depth
   * @param {BlockNode} node
   * @param {boolean} isClosing
   */
  #drawLevel(depth, node, isClosing) {
    const level = this.#levels[depth];
    if (level.type === "code") this.#code.draw(level, node, isClosing);
    else if (level.type === "paragraph") this.#paragraphs.draw(depth, node, this.#isGrowing);
    else {
      setDirection(level, node);
      if (level.type === "list") this.#setLoose(level, node);
      this.#settle(depth, contentOf(level, node), isClosing);
    }
  }

  /**
   * Makes a level of the open block, where parts of it can be frozen.
   * @param {number} depth  Of its container.
   * @param {BlockNode} node
   * @param {Mounted | null} mounted
   */
  #descend(depth, node, mounted) {
    if (!mounted) return;
    const tail = this.#tail;
    tail.cut(node.start + tail.shift);
    const level = levelOf(node, mounted, { tail, levels: this.#levels, depth, longBlock: this.#longBlock });
    if (!level) return;
    this.#levels.push(level);
    if (level.type === "table") this.#keep(depth + 1, node.children[0], tail.start);
    if (level.type === "code") this.#code.freezeLines(level, node, 1);
    else if (level.type === "paragraph") this.#paragraphs.draw(depth + 1, node, this.#isGrowing);
    else this.#settle(depth + 1, level.type === "table" ? node.children.slice(1) : node.children, false);
  }

  /**
   * Ends the container at this depth, and all inside it.
   * @param {number} depth
   */
  #close(depth) {
    const closed = this.#levels[depth];
    for (const level of this.#levels.slice(depth)) if (level.type === "code") this.#code.close(level);
    this.#levels.length = depth;
    const parent = this.#levels[depth - 1];
    if (parent.type === "root") this.#blocks.push({ start: closed.start, group: parent.mounted, index: parent.from });
    parent.from += 1;
  }

  /**
   * Freezes a part of a container: it does not change any more, unless a definition arrives.
   * @param {number} depth
   * @param {BlockNode} node
   * @param {Mounted | null} mounted
   */
  #freeze(depth, node, mounted) {
    const level = this.#levels[depth];
    const start = node.start + this.#tail.shift;
    if (level.type === "root") this.#blocks.push({ start, group: level.mounted, index: level.from });
    if (mounted) level.from += 1;
    this.#keep(depth, node, start);
    const text = this.#tail.textOf(node);
    if (!text.includes("[")) return;
    const levels = this.#levels.slice(0, depth + 1);
    const part = { start, text: headOf(levels, depth + 1) + text, levels, mounted };
    if (text.includes("]:")) this.#references.define(part.text, start);
    if (mounted) this.#references.await(/** @type {Waiting} */ (part), text);
  }

  /**
   * Keeps what has to be known of a frozen part.
   * @param {number} depth  Of its container.
   * @param {BlockNode} node
   * @param {number} start
   */
  #keep(depth, node, start) {
    this.#references.addUses(node, start);
    keepDirection(this.#levels, depth, node);
  }

  /**
   * Brings parts of a container up to date.
   * @param {Level} level
   * @param {number} from
   * @param {BlockNode[]} nodes
   */
  #patchParts(level, from, nodes) {
    return this.#views.patchBlocks(level.mounted, from, nodes, level.type === "root" && this.hasRemains);
  }

  /**
   * @param {Level} level
   * @param {BlockNode} node
   */
  #setLoose(level, node) {
    level.isLoose ||= Boolean(node.isLoose);
    if (!level.isLoose) return;
    const shell = this.#views.ofLooseList(node);
    const { attributes } = /** @type {ElementView} */ (level.shell.view);
    patchShell(level.shell, { ...shell, attributes: { ...attributes, class: shell.attributes?.class } });
  }
}
