/**
 * Markdown that is still being written, drawn so that the cost of a piece does not depend on how much came before it, and
 * so that nothing that is on the page is built twice.
 *
 * Only the tail of the text is parsed, and its nodes are patched. A block leaves the tail when a later block has a whole
 * line of its own: from then on it is frozen. Inside the last block, which is open, finished items, rows, lines of code
 * and quoted blocks leave the tail in the same way; a *head* then stands before the tail when it is parsed, a few lines
 * that open the same containers again (`- # x` for an item, the header of a table, the fence of code).
 *
 * Text that comes at once is taken in pieces of a few thousand characters, by the same way, and only for a few
 * milliseconds in each task of the page.
 */

import { parse } from "../../shared/markdown/parse.js";
import { hasTime, later } from "../frames.js";
import { setText } from "../patch-text.js";
import { beginGroup, gather, gatherWithin, isHeld } from "./groups.js";
import { isCompatible, mount, patch, patchChildren, patchShell, tidy, wrapChildren } from "./patch.js";
import { direction, view } from "./view.js";

/** @import {BlockNode, Environment} from "../../shared/markdown/parse.js" */
/** @import {Mounted, View, ElementView} from "./patch.js" */

/** So many characters are taken at once, */
const WINDOW = 2_000;
/** and fewer, down to so many, where a step takes longer than so many milliseconds, until it takes less than these; */
const NARROW_WINDOW = 500;
const SLOW_MS = 10;
const FAST_MS = 3;
/** and so many where most of it stands on the page already. */
const WIDE_WINDOW = 40_000;
/** Items and quotations that are longer than this are frozen in parts. */
const LONG_BLOCK = 2_000;
/** A paragraph is parsed in parts of about this length, and no mark of one part is closed in the next. */
const LONG_PARAGRAPH = 8_000;
/** A space within so many characters of a line's beginning may be indentation or a mark. */
const LINE_START = 200;
/** A longer tail, one without parts that could be frozen, is not parsed at each drawing, */
const LONG_TAIL = 24_000;
/** but when it has grown by a quarter, or would take no more than one part in so many of the time. */
const SHARE = 10;
/** So many parts of a container are in one group, */
const GROUP = 200;
/** and so many rows. */
const ROWS = 100;
const BLANK = /\n[ \t]*\n/g;
/** Stands for what a head leaves out. From the private use area, so that no rule of Markdown is about it. */
const STUB = "\uE000";

/** A last line that may yet become anything (a list, a rule, a heading's underline): not drawn before it is known. */
const UNDECIDED_LINE = /^[ \t>]*(?:[-*+_=#`~|: \t]+|\d{1,9}[.)]?[ \t]*|(?:`{3,}|~{3,})[^`]*)$/;
/** A longer one is drawn all the same: it would come in one piece at its end. */
const LONG_LINE = 1_000;
/** Inside of code only the end of the code is undecided. */
const UNDECIDED_CODE = /^[ \t>]*(?:`*|~*)[ \t]*$/;
const FENCE = /^[ \t>]*(?:`{3,}|~{3,})/;

/** A part of a long paragraph: lines of its own, so that the browser need not break all of them again for each word. */
const PART = { tag: "span", attributes: { class: "md-part" } };

/**
 * A container whose finished parts have left the tail.
 * @typedef {object} Level
 * @property {"root" | "list" | "item" | "blockquote" | "details" | "table" | "code" | "paragraph"} type
 * @property {Mounted} shell  The block,
 * @property {Mounted} mounted  and what of it holds its parts: the last group of them.
 * @property {number} from  How many parts are frozen.
 * @property {number} start  Where the block begins in the source.
 * @property {string} [marker]  Of an item, with the space after it.
 * @property {string[]} [lines]  That begin a table or code, without what marks the containers around it.
 * @property {boolean} [isFresh]  Nothing of a paragraph has left the tail.
 * @property {boolean} [isLoose]  A list was loose before its frozen items left the tail.
 * @property {"ltr" | "rtl"} [dir]  That of its frozen parts.
 * @property {string[]} [parts]  Frozen code,
 * @property {number} [frozen]  its length,
 * @property {string} [drawn]  and what is drawn after it.
 */

/**
 * A frozen part whose brackets may become links when a definition comes.
 * @typedef {object} Waiting
 * @property {number} start
 * @property {string} text  With its head.
 * @property {Level[]} levels
 * @property {Mounted} mounted
 */

export class MarkdownStream {
  /** @type {Level[]} */
  #levels;
  #onCode;
  #onDone;
  #hasTime;
  #parse;
  #view;
  #longBlock;

  /** All that was taken. */
  #source = "";
  /** What comes after it. */
  #pending = "";
  /** A carriage return came last: half of a line break, perhaps. */
  #heldReturn = false;
  #isGrowing = true;
  /** Everything is drawn, and nothing is in the tail. */
  #isOver = false;

  #tail = "";
  /** Where the tail begins in the source. */
  #tailStart = 0;
  /** Where the part of the tail ends that is drawn. */
  #visibleEnd = 0;
  /** The difference between an offset in the source and one in what was parsed. */
  #shift = 0;
  /** The tail has grown since it was last parsed. */
  #isBehind = false;
  /** How long it was then, and when and for how many milliseconds it was drawn. */
  #lastLength = 0;
  #lastCost = 0;
  #lastEnd = 0;
  #window = WINDOW;
  /** Blocks of an earlier text stand behind those that are drawn. */
  #hasRemains = false;

  /** The frozen blocks: where each begins, and at which place of the page. @type {{start: number, group: Mounted, index: number}[]} */
  #blocks = [];
  /** @type {Record<string, any>} */
  #definitions = Object.create(null);
  /** Labels that frozen parts refer to, and where first: a definition that comes later is not shown. @type {Map<string, number>} */
  #uses = new Map();
  /** Labels of footnotes, and where they are. @type {Map<string, number>} */
  #footnotes = new Map();
  /** @type {{label: string, start: number}[]} */
  #defined = [];
  /** By label. @type {Map<string, Set<Waiting>>} */
  #waiting = new Map();
  /** Parts that a definition has come for. @type {Set<Waiting>} */
  #late = new Set();
  /** What each code element held when it was reported. @type {WeakMap<Node, string>} */
  #reported = new WeakMap();

  /**
   * @param {HTMLElement} root  An empty element that this object fills.
   * @param {object} [options]
   * @param {(code: HTMLElement) => void} [options.onCode]  Called with each code block whose text is whole.
   * @param {() => void} [options.onDone]  Called when the last of a finished text is drawn.
   * @param {() => boolean} [options.time]  Whether there is time to draw, for tests.
   * @param {typeof parse} [options.parser]  For tests that count the work or let it fail,
   * @param {(node: any) => View | null} [options.viewer]  and so is this.
   * @param {number} [options.longBlock]  How long an item is that is frozen in parts.
   */
  constructor(root, options = {}) {
    const { onCode = () => {}, onDone = () => {}, time = hasTime, parser = parse, viewer = view } = options;
    /** @type {Mounted} */
    const mounted = { view: { tag: "div" }, node: root, children: [] };

    this.#levels = [{ type: "root", shell: mounted, mounted, from: 0, start: 0 }];
    this.#onCode = onCode;
    this.#onDone = onDone;
    this.#hasTime = time;
    this.#parse = parser;
    this.#view = viewer;
    this.#longBlock = options.longBlock ?? LONG_BLOCK;
  }

  /** Whether everything that came is drawn. */
  get isDrawn() {
    return !this.#pending && !this.#isBehind && this.#late.size === 0 && (this.#isGrowing || this.#isOver);
  }

  /**
   * Takes more text without drawing it.
   * @param {string} text
   */
  append(text) {
    if (!text) return;
    const whole = this.#heldReturn ? `\r${text}` : text;
    this.#heldReturn = whole.endsWith("\r");
    this.#pending += (this.#heldReturn ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n");
    this.#isGrowing = true;
    if (this.#isOver) this.#reopen(this.#source.length);
  }

  /**
   * Takes another text in the place of all that came. What is the same up to the first difference stays, and what follows
   * it is patched.
   * @param {string} text
   */
  replace(text) {
    const all = text.replace(/\r\n?/g, "\n");
    const old = this.#source;
    const shorter = Math.min(all.length, old.length);
    let same = 0;
    while (same < shorter && all.charCodeAt(same) === old.charCodeAt(same)) same += 1;
    this.#heldReturn = false;
    this.#isGrowing = true;
    if (same === old.length && !this.#isOver) {
      this.#pending = all.slice(same);
      return;
    }
    this.#reopen(same);
    this.#pending = all.slice(this.#source.length);
  }

  /** Draws what has come since the last call, or as much of it as there is time for; the rest follows in the next frames. */
  draw() {
    if (this.#run()) later(this.#job);
  }

  /** Nothing more comes: draws the rest as it is. */
  finish() {
    if (this.#heldReturn) this.#pending += "\n";
    this.#heldReturn = false;
    this.#isGrowing = false;
    this.draw();
  }

  #job = () => this.#run();

  /** @returns {boolean}  Whether there is more to do. */
  #run() {
    const wasDrawn = this.isDrawn;
    while (!this.isDrawn && this.#hasTime()) if (!this.#step()) break;
    if (!this.isDrawn) return true;
    if (!wasDrawn && !this.#isGrowing) this.#onDone();
    return false;
  }

  /** @returns {boolean}  False when it is better to wait. */
  #step() {
    const [late] = this.#late;
    if (late) {
      this.#late.delete(late);
      this.#drawLate(late);
      return true;
    }
    const fresh = this.#takeWindow();
    this.#source += fresh;
    this.#tail += fresh;
    const isEnd = !this.#isGrowing && !this.#pending;
    const begin = performance.now();
    const isLong = this.#tail.length > LONG_TAIL && this.#tail.length < this.#lastLength * 1.25;
    if (isLong && !isEnd && begin - this.#lastEnd < this.#lastCost * SHARE) {
      this.#isBehind = true;
      // A window more is taken in any case; only the last one waits.
      return this.#pending !== "";
    }
    this.#isBehind = false;
    this.#lastLength = this.#tail.length;
    this.#drawTail(isEnd);
    this.#lastEnd = performance.now();
    this.#lastCost = this.#lastEnd - begin;
    if (this.#lastCost > SLOW_MS) this.#window = Math.max(this.#window / 2, NARROW_WINDOW);
    else if (this.#lastCost < FAST_MS) this.#window = Math.min(this.#window * 2, WINDOW);
    return true;
  }

  /** The next piece of what is pending, whole lines if possible. */
  #takeWindow() {
    const size = this.#hasRemains ? WIDE_WINDOW : this.#window;
    const isRest = this.#pending.length <= size;
    const end = isRest ? this.#pending.length : this.#pending.lastIndexOf("\n", size - 1) + 1 || size;
    const fresh = this.#pending.slice(0, end);
    this.#pending = this.#pending.slice(end);
    return fresh;
  }

  /** @param {boolean} isEnd  The tail is the end of the text. */
  #drawTail(isEnd) {
    const head = this.#headOf(this.#levels.length);
    this.#shift = this.#tailStart - head.length;
    const lastLine = this.#tail.slice(this.#tail.lastIndexOf("\n") + 1);
    this.#visibleEnd = this.#source.length;
    let nodes;
    if (!isEnd && lastLine.length < LONG_LINE && UNDECIDED_LINE.test(lastLine)) {
      nodes = this.#parseSafely(head + this.#tail.slice(0, this.#tail.length - lastLine.length), true);
      if (isOpenCode(nodes) && !UNDECIDED_CODE.test(lastLine)) nodes = this.#parseSafely(head + this.#tail, true);
      else this.#visibleEnd -= lastLine.length;
    } else {
      nodes = this.#parseSafely(head + this.#tail, !isEnd);
    }
    this.#hasRemains &&= this.#pending !== "";
    this.#settle(0, nodes, isEnd);
    if (!isEnd) return;
    this.#cutTail(this.#source.length);
    this.#isOver = true;
  }

  /** What is known before the tail. */
  #known() {
    return {
      definitions: Object.create(this.#definitions),
      uses: new Set(this.#uses.keys()),
      footnotes: new Set(this.#footnotes.keys()),
    };
  }

  /**
   * @param {string} text
   * @param {boolean} growing
   * @returns {BlockNode[]}
   */
  #parseSafely(text, growing) {
    try {
      // What the tail defines is not certain before it is frozen.
      return this.#parse(text, { ...this.#known(), growing });
    } catch (error) {
      console.error(error);
      return this.#parsePieces(text, growing);
    }
  }

  /**
   * Parses what stands between blank lines by itself, so that one piece that cannot be read is the only one.
   * @param {string} text
   * @param {boolean} growing
   * @returns {BlockNode[]}
   */
  #parsePieces(text, growing) {
    /** @type {BlockNode[]} */
    const nodes = [];
    for (let at = 0; at < text.length; ) {
      BLANK.lastIndex = at;
      const end = BLANK.test(text) ? BLANK.lastIndex : text.length;
      try {
        const known = { ...this.#known(), growing: growing && end === text.length };
        for (const node of this.#parse(text.slice(at, end), known)) nodes.push(moved(node, at));
      } catch {
        nodes.push(plain(at, end));
      }
      at = end;
    }
    return nodes;
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
      const goesOn = nodes.length > 0 && continues(below, nodes[0]);
      const rest = goesOn ? nodes.slice(1) : nodes;
      isBelowOver = isClosing || !goesOn || this.#lastCertain(rest) >= 0;
      if (goesOn) this.#drawLevel(depth + 1, nodes[0], isBelowOver);
      if (!isBelowOver) {
        this.#patchParts(level, level.from + 1, rest);
        return;
      }
      this.#close(depth + 1);
      nodes = rest;
    }
    const drawn = this.#patchParts(level, level.from, nodes);
    const last = isClosing ? nodes.length : Math.max(this.#lastCertain(nodes), 0);
    for (let index = 0; index < nodes.length; index++) {
      this.#reportCode(nodes[index], drawn[index], index < last);
      if (index < last) this.#freeze(depth, nodes[index], drawn[index]);
    }
    if (last >= nodes.length) return;
    if (last > 0 || isBelowOver) this.#cutTail(nodes[last].start + this.#shift);
    if (
      level.from >= (level.type === "table" ? ROWS : GROUP) &&
      !level.mounted.children.slice(level.from).some(isHeld)
    ) {
      level.mounted = beginGroup(level.shell, level.mounted, level.from);
      level.from = 0;
    }
    this.#descend(depth, nodes[last], drawn[last]);
  }

  /**
   * The last of the blocks that is certain to be one, because it has a whole line; -1 without any.
   * @param {BlockNode[]} nodes
   */
  #lastCertain(nodes) {
    return nodes.findLastIndex((node, index) => {
      const { type, start, isClosed } = /** @type {BlockNode} */ (node);
      let line = this.#tail.indexOf("\n", start + this.#shift - this.#tailStart);
      // One line with bars is a table only as long as its second line may come.
      if (type === "table" && line >= 0) line = this.#tail.indexOf("\n", line + 1);
      if (line < 0 || (isClosed === false && type !== "code")) return false;
      // The title of a definition may stand on the next lines.
      const before = nodes[index - 1];
      return !(type === "paragraph" && before?.type === "definition" && before.end === start);
    });
  }

  /**
   * @param {number} depth
   * @param {BlockNode} node
   * @param {boolean} isClosing
   */
  #drawLevel(depth, node, isClosing) {
    const level = this.#levels[depth];
    if (level.type === "code") this.#drawCode(level, node, isClosing);
    else if (level.type === "paragraph") this.#drawParagraph(depth, node);
    else {
      setDirection(level, node);
      if (level.type === "list") this.#setLoose(level, node);
      this.#settle(depth, contentOf(level, node), isClosing);
    }
  }

  /**
   * Ends the container at this depth, and all inside it.
   * @param {number} depth
   */
  #close(depth) {
    const closed = this.#levels[depth];
    for (const { type, mounted, parts = [], drawn = "" } of this.#levels.slice(depth)) {
      if (type === "code") {
        const text = parts.join("") + drawn;
        mounted.view = { .../** @type {ElementView} */ (mounted.view), children: [text] };
        this.#report(mounted, text);
      }
    }
    this.#levels.length = depth;
    const parent = this.#levels[depth - 1];
    if (parent.type === "root") this.#blocks.push({ start: closed.start, group: parent.mounted, index: parent.from });
    parent.from += 1;
  }

  /**
   * The lines that open the containers again.
   * @param {number} depth  How many of the levels, with the root.
   * @returns {string}
   */
  #headOf(depth) {
    let head = "";
    let prefix = "";
    for (const { type, marker = "", lines = [], isFresh } of this.#levels.slice(0, depth)) {
      if (type === "details") {
        head += `${prefix}<details>\n`;
      } else if (type === "item") {
        head += `${prefix}${marker}# ${STUB}\n`;
        prefix += " ".repeat(marker.length);
      } else if (type === "blockquote") {
        prefix += "> ";
      } else if (type === "paragraph") {
        if (!isFresh) head += prefix + STUB;
      } else {
        for (const line of lines) head += `${prefix}${line}\n`;
      }
    }
    // Or the next paragraph could be the title of an alert.
    if (depth > 1 && this.#levels[depth - 1].type === "blockquote") head += `${prefix}# ${STUB}\n`;
    return head;
  }

  /**
   * Takes the marks of the containers around it off a line.
   * @param {string} line
   * @param {number} depth  How many of the levels.
   * @returns {string | null}  Null for a line that is indented otherwise.
   */
  #strip(line, depth) {
    for (const { type, marker = "" } of this.#levels.slice(1, depth)) {
      if (type === "blockquote") {
        const quote = /^ {0,3}> ?/.exec(line);
        if (!quote) return null;
        line = line.slice(quote[0].length);
      } else if (type === "item") {
        if (line.slice(0, marker.length).trim()) return null;
        line = line.slice(marker.length);
      }
    }
    return line.startsWith("\t") ? null : line;
  }

  /**
   * Makes a level of the open block where parts of it can be frozen.
   * @param {number} depth  Of its container.
   * @param {BlockNode} node
   * @param {Mounted | null} mounted
   */
  #descend(depth, node, mounted) {
    if (!mounted) return;
    this.#cutTail(node.start + this.#shift);
    const level = this.#levelOf(depth, node, mounted);
    if (!level) return;
    this.#levels.push(level);
    if (level.type === "table") this.#note(depth + 1, node.children[0], this.#tailStart);
    if (level.type === "code") this.#freezeLines(level, node, 1);
    else if (level.type === "paragraph") this.#drawParagraph(depth + 1, node);
    else this.#settle(depth + 1, level.type === "table" ? node.children.slice(1) : node.children, false);
  }

  /**
   * @param {number} depth
   * @param {BlockNode} node  At which the tail begins.
   * @param {Mounted} mounted
   * @returns {Level | null}
   */
  #levelOf(depth, node, mounted) {
    const { type, children } = node;
    const isLong = this.#tail.length > this.#longBlock;
    const lines = this.#tail.split("\n", 2).map((line) => this.#strip(line, depth + 1));
    const start = this.#tailStart;
    const isDivisible = this.#lastCertain(children) > (type === "table" ? 1 : 0);
    switch (type) {
      case "list":
        return isDivisible || isLong
          ? { type, shell: mounted, mounted, from: 0, start, isLoose: Boolean(node.isLoose) }
          : null;
      case "table": {
        const body = isDivisible && findTag(mounted, "tbody");
        if (!body || !areKnown(lines)) return null;
        return { type, shell: mounted, mounted: body, from: 0, start, lines };
      }
      case "code": {
        const code = findTag(mounted, "code");
        const { text = "" } = node;
        // With bars it could be the header of a table.
        const opening = lines.slice(0, 1).map((line) => (line === null ? null : line.replaceAll("|", "")));
        if (!node.fence || node.isClosed || !text.includes("\n") || !code || !areKnown(opening)) return null;
        return {
          type,
          shell: mounted,
          mounted: code,
          from: 0,
          start,
          lines: opening,
          parts: [],
          frozen: 0,
          drawn: text,
        };
      }
      case "item": {
        const marker = /^ {0,3}(?:[-+*]|\d{1,9}[.)]) {1,4}(?=\S)/.exec(lines[0] ?? "")?.[0];
        if (!marker || !isLong || !isDivisible || node.isTask) return null;
        return { type, shell: mounted, mounted, from: 0, start, marker };
      }
      case "details": {
        // What stands in the line of the tag cannot be told from it.
        const first = children[this.#lastCertain(children)];
        if (!isLong || !first || first.start === node.start || lines[0] === null) return null;
        return { type, shell: mounted, mounted, from: 0, start };
      }
      case "blockquote": {
        // The quotation in it may be divisible, or its text.
        if (
          !isLong ||
          this.#lastCertain(children) < (children.length === 1 ? 0 : 1) ||
          mounted.children.length !== children.length
        )
          return null;
        return { type, shell: mounted, mounted, from: 0, start };
      }
      case "paragraph":
        if (this.#cutOf(node) < 0 || lines[0] === null) return null;
        return { type, shell: mounted, mounted, from: 0, start, isFresh: true };
      default:
        return null;
    }
  }

  /**
   * Brings parts of a container up to date.
   * @param {Level} level
   * @param {number} from
   * @param {BlockNode[]} nodes
   * @returns {(Mounted | null)[]}  What stands on the page for each.
   */
  #patchParts(level, from, nodes) {
    const views = nodes.map((node) => this.#viewOf(node));
    const shown = /** @type {View[]} */ (views.filter((one) => one !== null));
    const keepsRest = level.type === "root" && this.#hasRemains;
    try {
      patchChildren(level.mounted, from, shown, keepsRest);
    } catch (error) {
      console.error(error);
      this.#buildOneByOne(level, from, nodes, shown);
    }
    let at = from;
    return views.map((one) => (one === null ? null : level.mounted.children[at++]));
  }

  /**
   * What cannot be built is shown as it is written.
   * @param {Level} level
   * @param {number} from
   * @param {BlockNode[]} nodes
   * @param {View[]} views
   */
  #buildOneByOne({ mounted }, from, nodes, views) {
    const parent = /** @type {Element} */ (mounted.node);
    while (mounted.node.childNodes.length > from) /** @type {ChildNode} */ (mounted.node.lastChild).remove();
    mounted.children.length = Math.min(from, mounted.children.length);
    for (const [index, one] of views.entries()) {
      let child;
      try {
        child = mount(one);
      } catch {
        child = mount(plainView(this.#textOf(nodes[index])));
      }
      mounted.children.push(child);
      parent.append(child.node);
    }
  }

  /**
   * @param {BlockNode} node
   * @returns {View | null}
   */
  #viewOf(node) {
    try {
      if (/** @type {string} */ (node.type) !== "plain") {
        const shown = this.#view(node);
        return shown && node.end - node.start > LONG_PARAGRAPH ? inParts(shown) : shown;
      }
    } catch (error) {
      console.error(error);
    }
    return inParts(plainView(this.#textOf(node)));
  }

  /** @param {{start: number, end: number}} node */
  #textOf({ start, end }) {
    const offset = this.#shift - this.#tailStart;
    return this.#tail.slice(Math.max(start + offset, 0), end + offset);
  }

  /**
   * A part of a container does not change any more, unless a definition comes.
   * @param {number} depth
   * @param {BlockNode} node
   * @param {Mounted | null} mounted
   */
  #freeze(depth, node, mounted) {
    const level = this.#levels[depth];
    const start = node.start + this.#shift;
    if (level.type === "root") this.#blocks.push({ start, group: level.mounted, index: level.from });
    if (mounted) level.from += 1;
    this.#note(depth, node, start);
    const text = this.#textOf(node);
    if (!text.includes("[")) return;
    const levels = this.#levels.slice(0, depth + 1);
    const part = { start, text: this.#headOf(depth + 1) + text, levels, mounted };
    if (text.includes("]:")) this.#define(part);
    if (mounted) this.#await(/** @type {Waiting} */ (part), text);
  }

  /**
   * Keeps what is to be known of a frozen part.
   * @param {number} depth  Of its container.
   * @param {BlockNode} node
   * @param {number} start
   */
  #note(depth, node, start) {
    for (const label of node.uses ?? []) if (!this.#uses.has(label)) this.#uses.set(label, start);
    for (const level of this.#levels.slice(1, depth + 1)) level.dir ??= direction(node);
  }

  /**
   * Definitions in a frozen part hold for what follows, and for what came before.
   * @param {{text: string, start: number}} part
   */
  #define({ text, start }) {
    const known = new Set(Object.keys(this.#definitions));
    try {
      /** @type {Set<string>} */
      const footnotes = new Set();
      this.#parse(text, { definitions: this.#definitions, footnotes });
      for (const label of footnotes) if (!this.#footnotes.has(label)) this.#footnotes.set(label, start);
    } catch {
      return; // It is shown as it is written.
    }
    for (const label of Object.keys(this.#definitions)) {
      if (known.has(label)) continue;
      this.#defined.push({ label, start });
      for (const part of this.#waiting.get(label) ?? []) this.#late.add(part);
      this.#waiting.delete(label);
    }
  }

  /**
   * @param {Waiting} part
   * @param {string} text
   */
  #await(part, text) {
    for (const [, label] of text.matchAll(/\[([^[\]]{1,200})\]/g)) {
      const name = normalised(label);
      if (name in this.#definitions) continue;
      const parts = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, parts.add(part));
    }
  }

  /** @param {Waiting} part */
  #drawLate({ text, levels, mounted }) {
    let nodes = this.#parseSafely(text, false);
    for (let depth = 1; depth < levels.length && nodes.length > 0; depth++) {
      nodes = contentOf(levels[depth], nodes[0]);
    }
    const fresh = nodes.length === 1 ? this.#viewOf(nodes[0]) : null;
    if (fresh && isCompatible(mounted.view, fresh)) patch(mounted, fresh);
  }

  /**
   * @param {Level} level
   * @param {BlockNode} node
   */
  #setLoose(level, node) {
    level.isLoose ||= Boolean(node.isLoose);
    if (!level.isLoose) return;
    const shell = /** @type {ElementView} */ (this.#view({ ...node, isLoose: true, children: [] }));
    const { attributes } = /** @type {ElementView} */ (level.shell.view);
    patchShell(level.shell, { ...shell, attributes: { ...attributes, class: shell.attributes?.class } });
  }

  /**
   * @param {Level} level
   * @param {BlockNode} node
   * @param {boolean} isClosing
   */
  #drawCode(level, node, isClosing) {
    const { text = "" } = node;
    const code = /** @type {Element} */ (level.mounted.node);
    const { frozen = 0, drawn = "" } = level;
    const only = /** @type {Text | null} */ (code.firstChild);
    // The usual case does not read what is there: code may be long.
    if (only && !only.nextSibling && only.data?.length === frozen + drawn.length && text.startsWith(drawn)) {
      if (text.length > drawn.length) only.appendData(text.slice(drawn.length));
    } else {
      setText(code, (level.parts ?? []).join("") + text);
    }
    level.drawn = text;
    if (node.isClosed) this.#report(level.mounted, (level.parts ?? []).join("") + text);
    else if (!isClosing) this.#freezeLines(level, node, 0);
  }

  /**
   * Lines of code leave the tail, all but the last one that is not blank: code never ends in blank lines.
   * @param {Level} level
   * @param {BlockNode} node
   * @param {number} before  Lines of the tail that come before the code's.
   */
  #freezeLines(level, { text = "" }, before) {
    const lines = text.split("\n");
    let count = lines.findLastIndex((line) => line.trim() !== "");
    // Whether a fence inside ends the code depends on what came before it.
    const fence = lines.findIndex((line) => FENCE.test(line));
    if (fence >= 0) count = Math.min(count, fence);
    count = Math.max(count, 0);
    const frozen = lines
      .slice(0, count)
      .map((line) => `${line}\n`)
      .join("");
    if (frozen === "" && before === 0) return;
    level.parts?.push(frozen);
    level.frozen = (level.frozen ?? 0) + frozen.length;
    level.drawn = text.slice(frozen.length);
    let end = 0;
    for (let line = 0; line < before + count; line++) end = this.#tail.indexOf("\n", end) + 1;
    this.#cutTail(this.#tailStart + end);
  }

  /**
   * The tail is a long paragraph, or the rest of one. Where its parts end depends on the text alone, and not on the pieces
   * in which it came.
   * @param {number} depth
   * @param {BlockNode} node
   */
  #drawParagraph(depth, node) {
    const level = this.#levels[depth];
    const shift = this.#shift;
    for (;;) {
      const cut = this.#cutOf(node);
      const part = cut < 0 ? node : this.#parsePart(depth, cut);
      patchChildren(level.mounted, level.from, this.#inlineViews(part));
      if (cut < 0) break;
      wrapChildren(level.mounted, level.from, PART);
      level.from += 1;
      level.isFresh = false;
      this.#note(depth, part, this.#tailStart);
      this.#cutTail(cut);
      node = this.#parsePart(depth, this.#visibleEnd);
    }
    this.#shift = shift;
  }

  /**
   * @param {BlockNode} node
   * @returns {View[]}
   */
  #inlineViews(node) {
    const shown = this.#viewOf(node);
    const isText = node.type === "paragraph" || node.type === "heading";
    const children = isText && shown && typeof shown !== "string" ? shown.children : undefined;
    const [first = "", ...others] = children ?? [this.#textOf(node)];
    return tidy([typeof first === "string" && first.startsWith(STUB) ? first.slice(STUB.length) : first, ...others]);
  }

  /**
   * What the tail is up to an offset in the source.
   * @param {number} depth  Of the paragraph.
   * @param {number} end
   * @returns {BlockNode}
   */
  #parsePart(depth, end) {
    const head = this.#headOf(depth + 1);
    this.#shift = this.#tailStart - head.length;
    const isRest = end === this.#visibleEnd;
    let nodes = this.#parseSafely(head + this.#tail.slice(0, end - this.#tailStart), isRest && this.#isGrowing);
    for (let at = 1; at < depth && nodes.length > 0; at++) nodes = contentOf(this.#levels[at], nodes[0]);
    return nodes[0] ?? plain(0, head.length);
  }

  /**
   * Where the first part of a paragraph ends: at a line break or a space. -1 for one that is no longer than a part.
   * @param {BlockNode} node
   */
  #cutOf(node) {
    const offset = this.#shift - this.#tailStart;
    const start = Math.max(node.start + offset, 0);
    const end = node.end + offset - 1;
    let lineStart = this.#tail.lastIndexOf("\n", start + LONG_PARAGRAPH) + 1;
    for (let at = start + LONG_PARAGRAPH; at < end; at++) {
      const character = this.#tail[at];
      const isHard = at - start >= 2 * LONG_PARAGRAPH && !/[\uDC00-\uDFFF]/.test(character);
      if (character === "\n" || isHard || (character === " " && at - lineStart >= LINE_START))
        return this.#tailStart + at;
      if (character === "\n") lineStart = at + 1;
    }
    return -1;
  }

  /**
   * Reports the code of a part whose text is whole.
   * @param {BlockNode} node
   * @param {Mounted | null} mounted
   * @param {boolean} isFrozen
   */
  #reportCode(node, mounted, isFrozen) {
    if (!mounted || (node.type !== "code" && node.children.length === 0)) return;
    const codes = codesIn(node);
    if (codes.length === 0) return;
    const elements = codeElementsIn(mounted);
    for (const [index, code] of codes.entries()) {
      if ((isFrozen || code.isClosed) && elements[index]) this.#report(elements[index], code.text ?? "");
    }
  }

  /**
   * @param {Mounted} code
   * @param {string} text
   */
  #report({ node }, text) {
    if (this.#reported.get(node) === text) return;
    this.#reported.set(node, text);
    this.#onCode(/** @type {HTMLElement} */ (/** @type {unknown} */ (node)));
  }

  /** @param {number} start  Where the tail is to begin in the source. */
  #cutTail(start) {
    if (start <= this.#tailStart) return;
    this.#tail = this.#tail.slice(start - this.#tailStart);
    this.#tailStart = start;
  }

  /**
   * The first of the frozen blocks that is to be drawn again when the text changes from a place on; -1 for all of them.
   * @param {number} from
   * @returns {number}
   */
  #firstOf(from) {
    // A line more may make another block of the one before.
    const index = this.#blocks.findLastIndex(({ start }) => start <= from) - 1;
    const start = this.#blocks[index]?.start ?? 0;
    // What refers to a definition that goes is drawn without it.
    const gone = this.#defined.filter((one) => one.start >= start).map((one) => one.label);
    const first = gone.reduce((least, label) => Math.min(least, this.#uses.get(label) ?? start), start);
    return first < start ? this.#firstOf(first) : index;
  }

  /**
   * Takes the blocks from a place in the source on back into the text that is still to be drawn. They stay on the page until
   * others take their places.
   * @param {number} from
   */
  #reopen(from) {
    for (const { type, mounted, parts = [], drawn = "" } of this.#levels) {
      const { view } = mounted;
      if (type === "code" && typeof view !== "string") mounted.view = { ...view, children: [parts.join("") + drawn] };
    }
    const [root, open] = this.#levels;
    if (open) this.#blocks.push({ start: open.start, group: root.mounted, index: root.from });
    const index = this.#firstOf(from);
    const { start, group, index: place } = this.#blocks[index] ?? { start: 0, group: root.shell, index: 0 };
    this.#blocks.length = Math.max(index, 0);
    this.#levels.length = 1;
    root.mounted = group;
    root.from = place;
    gather(root.shell, group);
    for (const block of group.children.slice(place)) gatherWithin(block);
    this.#pending = this.#source.slice(start) + this.#pending;
    this.#source = this.#source.slice(0, start);
    this.#tail = "";
    this.#tailStart = start;
    this.#isOver = false;
    this.#isBehind = false;
    this.#hasRemains = true;
    for (const one of this.#defined) if (one.start >= start) delete this.#definitions[one.label];
    this.#defined = this.#defined.filter((one) => one.start < start);
    for (const labels of [this.#uses, this.#footnotes]) {
      for (const [label, at] of labels) if (at >= start) labels.delete(label);
    }
    for (const parts of this.#waiting.values()) for (const part of parts) if (part.start >= start) parts.delete(part);
    for (const part of this.#late) if (part.start >= start) this.#late.delete(part);
  }
}

/**
 * @param {(string | null)[]} lines
 * @returns {lines is string[]}
 */
function areKnown(lines) {
  return lines.every((line) => line !== null);
}

/**
 * @param {Level} level
 * @param {BlockNode} node
 */
function continues({ type }, node) {
  return node.type === type || (type === "paragraph" && node.type === "heading");
}

/**
 * The parts of a container in what was parsed, without the one that only its head has put in.
 * @param {Level} level
 * @param {BlockNode} node
 * @returns {BlockNode[]}
 */
function contentOf({ type }, { children }) {
  if (type === "blockquote") return isStub(children[0]) ? children.slice(1) : children;
  return type === "table" || type === "item" ? children.slice(1) : children;
}

/** @param {BlockNode} [node] */
function isStub(node) {
  const [text] = (node?.type === "heading" && node.inline) || [];
  return text?.type === "text" && text.text === STUB;
}

/**
 * Whether the text ends in code that is not closed.
 * @param {BlockNode[]} nodes
 * @returns {boolean}
 */
function isOpenCode(nodes) {
  const last = nodes.at(-1);
  return (
    last !== undefined && (last.type === "code" ? last.fence === true && !last.isClosed : isOpenCode(last.children))
  );
}

/**
 * @param {BlockNode} node
 * @returns {BlockNode[]}
 */
function codesIn(node) {
  return node.type === "code" ? [node] : node.children.flatMap(codesIn);
}

/**
 * @param {Mounted} mounted
 * @returns {Mounted[]}
 */
function codeElementsIn({ children }) {
  return children.flatMap((child) => {
    if (typeof child.view === "string") return [];
    return child.view.tag === "code" && child.view.own ? [child] : codeElementsIn(child);
  });
}

/**
 * @param {Mounted} mounted
 * @param {string} tag
 * @returns {Mounted | null}
 */
function findTag(mounted, tag) {
  if (typeof mounted.view === "string") return null;
  if (mounted.view.tag === tag) return mounted;
  for (const child of mounted.children) {
    const found = findTag(child, tag);
    if (found) return found;
  }
  return null;
}

/**
 * A block of which nothing is known.
 * @param {number} start
 * @param {number} end
 * @returns {BlockNode}
 */
function plain(start, end) {
  return /** @type {any} */ ({ type: "plain", start, end, children: [] });
}

/**
 * @param {string} text
 * @returns {ElementView}
 */
function plainView(text) {
  return { tag: "p", attributes: { class: "md-html" }, children: [text.replaceAll(STUB, "").trim()] };
}

/**
 * The view with each long text in parts, at spaces where there are any.
 * @param {View} view
 * @returns {View}
 */
function inParts(view) {
  if (typeof view === "string" || view.own || !view.children) return view;
  /** @type {(child: View) => View[]} */
  const divided = (child) => {
    if (typeof child !== "string" || child.length <= LONG_PARAGRAPH) return [inParts(child)];
    /** @type {View[]} */
    const parts = [];
    for (let at = 0; at < child.length; ) {
      const hard = at + LONG_PARAGRAPH + (/[\uDC00-\uDFFF]/.test(child[at + LONG_PARAGRAPH] ?? "") ? 1 : 0);
      const space = child.lastIndexOf(" ", hard - 1) + 1;
      const end = hard < child.length && space > at ? space : hard;
      parts.push({ ...PART, children: [child.slice(at, end)] });
      at = end;
    }
    return parts;
  };
  return { ...view, children: view.children.flatMap(divided) };
}

/**
 * A block in a text that has so many characters more before it.
 * @param {BlockNode} node
 * @param {number} by
 * @returns {BlockNode}
 */
function moved(node, by) {
  return {
    ...node,
    start: node.start + by,
    end: node.end + by,
    children: node.children.map((child) => moved(child, by)),
  };
}

/**
 * A label as markdown-it compares them.
 * @param {string} label
 */
function normalised(label) {
  return label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase();
}

/**
 * A container has the direction of its first letter, which may come after the container.
 * @param {Level} level
 * @param {BlockNode} node
 */
function setDirection({ shell, ...level }, node) {
  const dir = level.dir ?? direction(node);
  const { attributes, ...last } = /** @type {ElementView} */ (shell.view);
  if (dir !== attributes?.dir) patchShell(shell, { ...last, attributes: { ...attributes, dir } });
}
