/**
 * Markdown that is still being written, drawn so that the cost of a piece does not depend on how much came before it.
 *
 * A block is finished once a later block has a whole line of its own; then its nodes are built for good and its source
 * leaves the tail. Only the tail is lexed and drawn again. Within the last block, finished list items and table rows
 * leave the tail in the same way, and inside a code fence text is merely appended. What remains (a paragraph of many
 * kilobytes, say) is lexed again only each time it has grown by a quarter; in between, the new text is appended as it
 * is.
 *
 * `finish` lexes the whole text once more and repairs what could not be known early: links whose definition came later.
 */

import { buildBlock, buildCode, buildItem, buildList, buildRow, buildTable, languageOf, lex } from "./markdown.js";

/** @import {Token, Links} from "./markdown.js" */

/** Up to this many characters the tail is lexed at each drawing, */
const SMALL_TAIL = 8_000;
/** up to this many when a blank line came, which may have finished a block. */
const MEDIUM_TAIL = 32_000;

/** A last line that may yet become anything (a list, a rule, a heading's underline): not drawn before it is known. */
const UNDECIDED_LINE = /^[ \t>]*(?:[-*+_=#`~|: \t]+|\d{1,9}[.)]?[ \t]*|(?:`{3,}|~{3,})[^`]*)$/;

/**
 * A block whose nodes stay: a finished one, or the open one while it is a {@link Container}.
 * @typedef {object} Drawn
 * @property {number} start  Where its source begins.
 * @property {string} type
 * @property {HTMLElement | null} node
 * @property {number} linkCount  How many definitions were known when it was built.
 */

/**
 * An open block whose finished parts have left the tail.
 * @typedef {object} ListContainer
 * @property {"list"} type
 * @property {HTMLElement} body
 * @property {""} head
 * @property {boolean} loose  A finished item makes the list loose.
 *
 * @typedef {object} TableContainer
 * @property {"table"} type
 * @property {HTMLElement} body
 * @property {string} head  The lines that make what follows a table.
 *
 * @typedef {object} FenceContainer
 * @property {"fence"} type
 * @property {HTMLElement} body
 * @property {string} marker
 * @property {number} indent
 * @property {number} newlines  Line breaks that wait for text after them: a code block never ends in empty lines.
 * @property {number} drawn  How much of the tail, an unfinished line, is drawn already.
 */

export class MarkdownStream {
  /** @type {HTMLElement} */
  #root;
  /** @type {(code: HTMLElement) => void} */
  #onCode;
  /** @type {typeof lex} */
  #lex;

  #source = "";
  /** Text that has not been drawn. */
  #pending = "";
  /** A carriage return came last: half of a line break, perhaps. */
  #heldReturn = false;

  #tail = "";
  /** Where the tail begins in the source. */
  #tailStart = 0;
  /** How long the tail was when it was last lexed. */
  #lexedLength = 0;

  /** @type {Drawn[]} */
  #blocks = [];
  /** @type {ListContainer | TableContainer | FenceContainer | null} The last of the blocks, when it is open. */
  #container = null;
  /** @type {ChildNode[]} The nodes that the next drawing replaces. */
  #open = [];
  /** @type {Text | null} Text at the end of the open nodes that was not lexed. */
  #unlexed = null;

  /** @type {Links} */
  #links = Object.create(null);
  #linkCount = 0;

  /**
   * @param {HTMLElement} root  An empty element that this object fills.
   * @param {object} [options]
   * @param {(code: HTMLElement) => void} [options.onCode]  Called with each code block whose text is whole.
   * @param {typeof lex} [options.lexer]  For tests that count the work.
   */
  constructor(root, { onCode = () => {}, lexer = lex } = {}) {
    this.#root = root;
    this.#onCode = onCode;
    this.#lex = lexer;
  }

  /**
   * Takes more text without drawing it.
   * @param {string} text
   */
  append(text) {
    const whole = this.#heldReturn ? `\r${text}` : text;
    this.#heldReturn = whole.endsWith("\r");
    this.#pending += (this.#heldReturn ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n");
  }

  /** Draws what has come since the last call. */
  draw() {
    const fresh = this.#pending;
    if (!fresh) return;
    this.#pending = "";
    this.#source += fresh;
    this.#tail += fresh;
    if (this.#container?.type === "fence") {
      if (this.#growFence(this.#container)) this.#drawTail();
    } else if (this.#isWorthLexing(fresh)) {
      this.#drawTail();
    } else {
      this.#appendUnlexed(fresh);
    }
  }

  /** Draws the rest. Nothing may be appended afterwards. */
  finish() {
    this.#source += this.#pending + (this.#heldReturn ? "\n" : "");
    this.#pending = "";
    this.#heldReturn = false;
    this.#clearOpen();
    if (this.#container) this.#blocks.pop()?.node?.remove();
    this.#container = null;

    /** @type {Links} */
    const links = Object.create(null);
    const tokens = this.#lex(this.#source, links);
    const linkCount = Object.keys(links).length;
    let start = 0;
    let index = 0;
    for (const token of tokens) {
      if (token.type !== "space") this.#settle(index++, token, start, linkCount);
      start += token.raw.length;
    }
    for (const extra of this.#blocks.splice(index)) extra.node?.remove();
    this.#source = "";
    this.#tail = "";
  }

  /**
   * Keeps the block with this number when it is what the whole text says, and builds it otherwise.
   * @param {number} index
   * @param {Token} token
   * @param {number} start
   * @param {number} linkCount
   */
  #settle(index, token, start, linkCount) {
    const old = this.#blocks[index];
    const lacksLinks = old && old.linkCount !== linkCount && token.raw.includes("[");
    if (old && old.start === start && old.type === token.type && !lacksLinks) return;
    const node = buildBlock(token);
    if (node) {
      const next = this.#blocks.slice(index).find((block) => block.node);
      this.#root.insertBefore(node, next?.node ?? null);
      this.#reportCode(node, token);
    }
    old?.node?.remove();
    this.#blocks[index] = { start, type: token.type, node, linkCount };
  }

  /** @param {string} fresh */
  #isWorthLexing(fresh) {
    const length = this.#tail.length;
    if (length <= SMALL_TAIL || length >= this.#lexedLength * 1.25) return true;
    return length <= MEDIUM_TAIL && /\n[ \t]*\n/.test(this.#tail.slice(-fresh.length - 2));
  }

  #drawTail() {
    const lastLine = this.#tail.lastIndexOf("\n") + 1;
    const visible = this.#tail.slice(0, lastLine) + presentable(this.#tail.slice(lastLine), this.#tail);
    this.#lexedLength = this.#tail.length;
    this.#clearOpen();

    const head = this.#container && this.#container.type !== "fence" ? this.#container.head : "";
    let start = this.#tailStart - head.length;
    const found = [];
    for (const token of this.#lex(head + visible, Object.create(this.#links))) {
      if (token.type !== "space") found.push({ token, start });
      start += token.raw.length;
    }

    let last = found.length - 1;
    while (last > 0 && !this.#hasWholeLine(found[last].start)) last -= 1;
    for (const [index, { token, start }] of found.entries()) {
      if (index < last) this.#freeze(token, start);
      else if (index > last) this.#drawOpen(this.#root, buildBlock(token));
      else if (this.#drawLast(token, start)) return;
    }
  }

  /**
   * @param {number} start  Of a block, an item or a row within the tail.
   * @returns {boolean}
   */
  #hasWholeLine(start) {
    return this.#tail.includes("\n", start - this.#tailStart);
  }

  /**
   * Builds a finished block for good; its source leaves the tail.
   * @param {Token} token
   * @param {number} start
   */
  #freeze(token, start) {
    const container = this.#container;
    this.#container = null;
    if (container?.type === "list" && token.type === "list") {
      this.#appendItems(container, token.items);
      this.#setLoose(container, token);
    } else if (container?.type === "table" && token.type === "table") {
      container.body.append(...token.rows.map(buildRow));
    } else {
      const node = buildBlock(token);
      this.#addBlock(token, start, node);
      if (node) this.#reportCode(node, token);
      if (token.type === "def" && !(token.tag in this.#links)) {
        this.#links[token.tag] = { href: token.href, title: token.title };
        this.#linkCount += 1;
      }
    }
    this.#cutTail(start + token.raw.length);
  }

  /**
   * Draws the last block that has a whole line; its finished parts leave the tail.
   * @param {Token} token
   * @param {number} start
   * @returns {boolean}  True when everything after it has been drawn as well.
   */
  #drawLast(token, start) {
    if (this.#container?.type !== token.type) this.#container = null;
    if (token.type === "list") this.#drawList(token, start);
    else if (token.type === "table") this.#drawTable(token, start);
    else {
      const fence = token.type === "code" && /^( {0,3})(`{3,}|~{3,})[^\n]*\n/.exec(token.raw);
      if (fence) {
        const { root, code } = buildCode("", languageOf(token));
        this.#addBlock(token, start, root);
        this.#cutTail(start + fence[0].length);
        this.#container = {
          type: "fence",
          body: code,
          marker: fence[2],
          indent: fence[1].length,
          newlines: 0,
          drawn: 0,
        };
        if (this.#growFence(this.#container)) this.#drawTail();
        return true;
      }
      this.#drawOpen(this.#root, buildBlock(token));
    }
    return false;
  }

  /**
   * @param {Token} token
   * @param {number} start
   */
  #drawList(token, start) {
    const starts = [];
    for (const item of token.items) {
      starts.push(start);
      start += item.raw.length;
    }
    let last = token.items.length - 1;
    while (last > 0 && !this.#hasWholeLine(starts[last])) last -= 1;

    let container = this.#container?.type === "list" ? this.#container : null;
    if (!container) {
      if (last === 0) {
        this.#drawOpen(this.#root, buildBlock(token));
        return;
      }
      const body = buildList(token);
      this.#addBlock(token, starts[0], body);
      container = { type: "list", body, head: "", loose: false };
      this.#container = container;
    }
    this.#appendItems(container, token.items.slice(0, last));
    this.#cutTail(starts[last]);
    for (const item of token.items.slice(last)) this.#drawOpen(container.body, buildItem(item));
    this.#setLoose(container, token);
  }

  /**
   * @param {ListContainer} container
   * @param {Token[]} items
   */
  #appendItems(container, items) {
    for (const item of items) {
      const node = buildItem(item);
      container.body.append(node);
      this.#reportCode(node, item);
      container.loose ||= isLoose(item);
    }
  }

  /**
   * @param {ListContainer} container
   * @param {Token} list
   */
  #setLoose(container, list) {
    container.body.classList.toggle("loose", container.loose || list.loose);
  }

  /**
   * @param {Token} token
   * @param {number} start
   */
  #drawTable(token, start) {
    const lines = token.raw.split("\n");
    const head = `${lines[0]}\n${lines[1]}\n`;
    let container = this.#container?.type === "table" ? this.#container : null;
    const last = token.rows.length - 1;
    if (container && last < 0) return; // The open row has nothing to show yet.
    if (!container) {
      if (last < 1) {
        this.#drawOpen(this.#root, buildBlock(token));
        return;
      }
      const { root, body } = buildTable(token);
      this.#addBlock(token, start, root);
      container = { type: "table", body, head };
      this.#container = container;
    }
    container.body.append(...token.rows.slice(0, last).map(buildRow));
    this.#cutTail(start + lines.slice(0, 2 + last).join("\n").length + 1);
    for (const row of token.rows.slice(last)) this.#drawOpen(container.body, buildRow(row));
  }

  /**
   * Moves the tail into the open code block, up to the closing fence.
   * @param {FenceContainer} fence
   * @returns {boolean}  True when the fence is closed; what follows it is left in the tail.
   */
  #growFence(fence) {
    const closing = new RegExp(`^ {0,3}${fence.marker}${fence.marker[0]}* *$`);
    const lines = this.#tail.split("\n");
    const unfinished = lines.pop() ?? "";
    let text = "";
    let length = 0;
    const add = (/** @type {string} */ piece) => {
      if (!piece) return;
      text += "\n".repeat(fence.newlines) + piece;
      fence.newlines = 0;
    };
    for (const line of lines) {
      length += line.length + 1;
      if (fence.drawn === 0 && closing.test(line)) {
        appendText(fence.body, text);
        this.#cutTail(this.#tailStart + length);
        this.#container = null;
        this.#onCode(fence.body);
        return true;
      }
      add(fence.drawn > 0 ? line.slice(fence.drawn) : dedent(line, fence));
      fence.drawn = 0;
      fence.newlines += 1;
    }
    this.#cutTail(this.#tailStart + length);
    // Not drawn: what may become the closing fence, and indentation that the fence's own indentation may swallow.
    if (fence.drawn > 0 || (fence.indent === 0 && !/^ {0,3}(?:`*|~*) *$/.test(unfinished))) {
      add(unfinished.slice(fence.drawn));
      fence.drawn = unfinished.length;
    }
    appendText(fence.body, text);
    return false;
  }

  /**
   * @param {Token} token
   * @param {number} start
   * @param {HTMLElement | null} node
   */
  #addBlock(token, start, node) {
    if (node) this.#root.append(node);
    this.#blocks.push({ start, type: token.type, node, linkCount: this.#linkCount });
  }

  /**
   * @param {HTMLElement} parent
   * @param {HTMLElement | null} node
   */
  #drawOpen(parent, node) {
    if (!node) return;
    parent.append(node);
    this.#open.push(node);
  }

  #clearOpen() {
    for (const node of this.#open) node.remove();
    this.#open = [];
    this.#unlexed = null;
  }

  /** @param {number} start  Where the tail is to begin in the source. */
  #cutTail(start) {
    this.#tail = this.#tail.slice(start - this.#tailStart);
    this.#tailStart = start;
  }

  /** @param {string} text */
  #appendUnlexed(text) {
    if (!this.#unlexed) {
      this.#unlexed = document.createTextNode("");
      const node = this.#open.at(-1);
      if (node) innermost(/** @type {Element} */ (node)).append(this.#unlexed);
      else this.#drawOpen(this.#root, /** @type {any} */ (this.#unlexed));
    }
    this.#unlexed.appendData(text);
  }

  /**
   * @param {HTMLElement} node
   * @param {Token} token
   */
  #reportCode(node, token) {
    if (!/```|~~~|(?:^|\n)(?: {4}|\t)/.test(token.raw)) return;
    for (const code of node.querySelectorAll("pre > code")) this.#onCode(/** @type {HTMLElement} */ (code));
  }
}

/**
 * An unfinished line as it is best shown: marks that are open are closed for the time being, so that no asterisks flash
 * up before their bold text is whole, and a link's address does not run through the text.
 * @param {string} line
 * @param {string} tail  The text that it ends.
 * @returns {string}
 */
function presentable(line, tail) {
  if (UNDECIDED_LINE.test(line)) return "";
  const isCode = /^(?: {4}|\t)/.test(line) || (tail.match(/^[ \t>]*(?:```|~~~)/gm)?.length ?? 0) % 2 === 1;
  if (isCode) return line;
  if ((line.match(/`+/g)?.length ?? 0) % 2 === 1) return line.endsWith("`") ? line.replace(/`+$/, "") : `${line}\``;
  const prose = line.replace(/(!?)\[([^[\]]*)\](?:\([^()\s]*)?$/, (whole, image, text) =>
    whole.endsWith("]") ? whole : image ? "" : text,
  );
  const words = prose.replace(/`[^`]*`/g, "");
  if ((words.match(/\*\*/g)?.length ?? 0) % 2 === 0) return prose;
  return /\*\*\*?$/.test(prose) ? prose.replace(/\*+$/, "") : `${prose.replace(/[*\s]+$/, "")}**`;
}

/**
 * Whether a list with this item in it is a loose one, if another item follows (CommonMark 5.3).
 * @param {Token} item
 * @returns {boolean}
 */
function isLoose(item) {
  const endsWithBlankLine = /\n[ \t]*\n[ \t]*$/.test(item.raw);
  return (
    endsWithBlankLine ||
    item.tokens.some((/** @type {Token} */ token) => token.type === "space" && /\n.*\n/.test(token.raw))
  );
}

/**
 * Takes the fence's own indentation from a line of code (CommonMark 4.5; marked does so for backticks only).
 * @param {string} line
 * @param {FenceContainer} fence
 * @returns {string}
 */
function dedent(line, fence) {
  if (!fence.marker.startsWith("`")) return line;
  return line.slice(Math.min(fence.indent, line.search(/\S|$/)));
}

/**
 * @param {HTMLElement} element
 * @param {string} text
 */
function appendText(element, text) {
  if (!text) return;
  const last = element.lastChild;
  if (last?.nodeType === Node.TEXT_NODE) /** @type {Text} */ (last).appendData(text);
  else element.append(text);
}

/**
 * Where text at the end of a block belongs.
 * @param {Element} block
 * @returns {Element}
 */
function innermost(block) {
  let element = block;
  while (/^(?:DIV|PRE|UL|OL|LI|BLOCKQUOTE)$/.test(element.tagName) && element.lastElementChild) {
    element = element.lastElementChild;
  }
  return element;
}
