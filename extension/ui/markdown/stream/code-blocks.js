/**
 * Blocks of code: their lines are frozen one by one, and each block is reported when its text is whole, so that it can
 * be highlighted.
 */

import { setText } from "../../patch-text.js";

/** @import {BlockNode} from "../../../shared/markdown/parse.js" */
/** @import {ElementView, Mounted} from "../patch.js" */
/** @import {Level} from "./levels.js" */
/** @import {Tail} from "./tail.js" */

const FENCE = /^[ \t>]*(?:`{3,}|~{3,})/;

export class CodeBlocks {
  #tail;
  #onCode;
  /** What each code element held when it was reported. @type {WeakMap<Node, string>} */
  #reported = new WeakMap();

  /**
   * @param {Tail} tail
   * @param {(code: HTMLElement) => void} onCode
   */
  constructor(tail, onCode) {
    this.#tail = tail;
    this.#onCode = onCode;
  }

  /**
   * Draws the open block of code.
   * @param {Level} level
   * @param {BlockNode} node
   * @param {boolean} isClosing
   */
  draw(level, node, isClosing) {
    const { text = "" } = node;
    const code = /** @type {Element} */ (level.mounted.node);
    const { frozen = 0, drawn = "" } = level;
    const only = /** @type {Text | null} */ (code.firstChild);
    // The usual case does not read what is there, because code may be long.
    if (only && !only.nextSibling && only.data?.length === frozen + drawn.length && text.startsWith(drawn)) {
      if (text.length > drawn.length) only.appendData(text.slice(drawn.length));
    } else {
      setText(code, (level.parts ?? []).join("") + text);
    }
    level.drawn = text;
    if (node.isClosed) this.#report(level.mounted, textOf(level));
    else if (!isClosing) this.freezeLines(level, node, 0);
  }

  /**
   * Freezes the lines of code, all but the last one that is not blank, because code never ends in blank lines.
   * @param {Level} level
   * @param {BlockNode} node
   * @param {number} before  How many lines of the tail come before those of the code.
   */
  freezeLines(level, { text = "" }, before) {
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
    for (let line = 0; line < before + count; line++) end = this.#tail.text.indexOf("\n", end) + 1;
    this.#tail.cut(this.#tail.start + end);
  }

  /**
   * Nothing more can come into the open block.
   * @param {Level} level
   */
  close(level) {
    this.restoreView(level);
    this.#report(level.mounted, textOf(level));
  }

  /**
   * Lets the view of an open block be what is on the page. While the block grows, only its text is kept.
   * @param {Level} level
   */
  restoreView(level) {
    const { mounted } = level;
    if (typeof mounted.view !== "string") mounted.view = { ...mounted.view, children: [textOf(level)] };
  }

  /**
   * Reports the code in a part of the text.
   * @param {BlockNode} node
   * @param {Mounted | null} mounted
   * @param {boolean} isFrozen  Its text is whole in any case.
   */
  reportIn(node, mounted, isFrozen) {
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
}

/**
 * Whether a text ends in code that is not closed.
 * @param {BlockNode[]} nodes
 * @returns {boolean}
 */
export function endsInCode(nodes) {
  const last = nodes.at(-1);
  return (
    last !== undefined && (last.type === "code" ? last.fence === true && !last.isClosed : endsInCode(last.children))
  );
}

/** @param {Level} level */
function textOf({ parts = [], drawn = "" }) {
  return parts.join("") + drawn;
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
