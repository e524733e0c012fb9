/**
 * What is copied when a part of the conversation is selected: the text of the messages, without the panel's own buttons
 * and labels. Formulas come as TeX, code with its lines as they are, lists with their marks, tables with tabs between
 * the cells.
 */

import { el } from "../../ui/dom.js";
import { special } from "../../ui/tables.js";

/** What belongs to the panel. */
const LEFT_OUT =
  ".code-head, .table-tools, .after, .versions, .aside > summary, .visually-hidden, .diagram, .more, " +
  ".user-message > .tools, .md-link-host";
const BLOCKS = new Set(
  (
    "ADDRESS ARTICLE ASIDE BLOCKQUOTE DETAILS DIV DL DT DD FIGURE FORM H1 H2 H3 H4 H5 H6 HR LI OL P PRE " +
    "SECTION SUMMARY TABLE UL"
  ).split(" "),
);
/** Between two blocks, until their container says how far they stand apart. */
const GAP = "\0";
/** Elements that the copied HTML keeps. */
const KEPT = new Set(
  (
    "P H1 H2 H3 H4 H5 H6 UL OL LI BLOCKQUOTE PRE CODE TABLE THEAD TBODY TR TH TD STRONG EM DEL B I U S INS " +
    "MARK SMALL SUB SUP KBD A HR BR"
  ).split(" "),
);

/**
 * Makes copying within an element give what {@link copied} does.
 * @param {HTMLElement} root
 */
export function copyCleanly(root) {
  document.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !event.clipboardData || isTyping(event.target)) return;
    const range = selection.getRangeAt(0);
    if (!range.intersectsNode(root)) return;
    const { text, html } = copied(root, range);
    if (!text) return;
    event.clipboardData.setData("text/plain", text);
    event.clipboardData.setData("text/html", html);
    event.preventDefault();
  });
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof Element && target.closest("textarea, input") !== null;
}

/**
 * @param {HTMLElement} root
 * @param {Range} range
 * @returns {{text: string, html: string}}
 */
export function copied(root, range) {
  const within = range.commonAncestorContainer;
  // What is selected beside the conversation is not its text.
  const inside = root.contains(within) ? within : root;
  const start = /** @type {HTMLElement} */ (inside instanceof Element ? inside : inside.parentElement);
  // A part of a formula is none.
  const top = /** @type {HTMLElement} */ (start.closest("[data-tex]") ?? start);
  const holder = el("div");
  const exact = top.closest("pre, .bubble") !== null;
  const writer = new Writer(range, exact);
  const wrapper = top.closest("pre") ? el("pre") : holder;
  if (wrapper !== holder) holder.append(wrapper);
  const isWhole = top.matches("[data-tex], ul, ol, table, thead, tbody, tr");
  const text = isWhole ? writer.node(top, wrapper) : writer.children(top, wrapper);
  return { text: exact ? text : text.replaceAll(GAP, "").replace(/^\n+|\n+$/g, ""), html: holder.innerHTML };
}

class Writer {
  /**
   * @param {Range} range
   * @param {boolean} exact  Blanks and line breaks count from the start.
   */
  constructor(range, exact) {
    this.range = range;
    this.exact = exact;
  }

  /**
   * @param {Node} node
   * @param {HTMLElement} target  What takes the HTML.
   * @returns {string}  Of a block, with a gap on both sides.
   */
  node(node, target) {
    if (!this.range.intersectsNode(node)) return "";
    if (node.nodeType === Node.TEXT_NODE) return this.text(/** @type {Text} */ (node), target);
    if (!(node instanceof Element)) return "";
    const element = /** @type {HTMLElement} */ (node);
    if (element.hidden || element.matches(LEFT_OUT)) return "";
    const whole = special(element);
    if (whole !== undefined) return this.special(element, whole, target);
    if (element.tagName === "BUTTON") return "";
    const copy = KEPT.has(element.tagName) ? copyOf(element) : null;
    if (copy) target.append(copy);
    const text = this.inside(element, copy ?? target);
    // The selection ends just before it, or begins just after it.
    if (!text && !/^T[DH]$/.test(element.tagName)) copy?.remove();
    return BLOCKS.has(element.tagName) && text ? GAP + text + GAP : text;
  }

  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} target
   */
  inside(element, target) {
    if (element.matches("pre, .bubble")) return new Writer(this.range, true).children(element, target);
    switch (element.tagName) {
      case "HR":
        return "---";
      case "UL":
      case "OL":
        return this.list(element, target);
      case "TR":
        return `${this.cells(element, target)}\n`;
      case "TABLE":
        return this.children(element, target).trimEnd();
      case "BLOCKQUOTE":
        return indented(this.children(element, target), "> ");
      case "LI":
        return this.children(element, target, element.parentElement?.classList.contains("loose") ? "\n\n" : "\n");
    }
    return this.children(element, target);
  }

  /**
   * @param {Node} parent
   * @param {HTMLElement} target
   * @param {string} gap  What stands between two blocks.
   */
  children(parent, target, gap = "\n\n") {
    const isFolded = parent instanceof HTMLDetailsElement && !parent.open;
    const nodes = [...parent.childNodes].filter((child) => !isFolded || child.nodeName === "SUMMARY");
    const text = nodes.map((child) => this.node(child, target)).join("");
    return this.exact
      ? text
      : text.replace(/^[\0\s]+|[\0\s]+$/g, (edge) => (edge.includes(GAP) ? "" : edge)).replace(/ ?\0+ ?/g, gap);
  }

  /**
   * @param {Text} node
   * @param {HTMLElement} target
   */
  text(node, target) {
    const { startContainer, startOffset, endContainer, endOffset } = this.range;
    const from = node === startContainer ? startOffset : 0;
    const to = node === endContainer ? endOffset : node.data.length;
    const text = this.exact ? node.data.slice(from, to) : node.data.slice(from, to).replace(/[ \t\n\r\f]+/g, " ");
    if (this.exact && !target.closest("pre")) {
      // A message as it was typed.
      for (const [index, line] of text.split("\n").entries()) target.append(...(index > 0 ? [el("br")] : []), line);
    } else {
      target.append(text);
    }
    return text;
  }

  /**
   * @param {HTMLElement} element
   * @param {string} text
   * @param {HTMLElement} target
   */
  special(element, text, target) {
    if (element.tagName === "BR") target.append(el("br"));
    else if (element.dataset.src || element.hasAttribute("src")) {
      // An image would be loaded wherever this is pasted.
      target.append(el("a", { href: element.dataset.src ?? element.getAttribute("src") }, text));
    } else if (element.matches("div")) target.append(el("p", {}, text));
    else target.append(text);
    return BLOCKS.has(element.tagName) ? GAP + text + GAP : text;
  }

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} target
   */
  list(list, target) {
    const isOrdered = list.tagName === "OL";
    let number = Number(list.getAttribute("start") ?? 1);
    const lines = [];
    for (const item of list.children) {
      const mark = isOrdered ? `${number}. ` : "- ";
      const text = this.node(item, target).replaceAll(GAP, "").trim();
      if (text && lines.length === 0 && isOrdered) target.setAttribute("start", String(number));
      if (text) lines.push(mark + indented(text, " ".repeat(mark.length)).trimStart());
      number += 1;
    }
    return lines.join(list.classList.contains("loose") ? "\n\n" : "\n");
  }

  /**
   * @param {HTMLElement} row
   * @param {HTMLElement} target
   */
  cells(row, target) {
    const cells = [...row.children].filter((cell) => this.range.intersectsNode(cell));
    return cells
      .map((cell) =>
        this.node(cell, target)
          .replace(/[\0\s]+/g, " ")
          .trim(),
      )
      .join("\t");
  }
}

/** @param {HTMLElement} element */
function copyOf(element) {
  const href = element.getAttribute("href");
  const align = /align-(right|center)/.exec(element.className)?.[1];
  return el(/** @type {"p"} */ (element.localName), {
    href: element.tagName === "A" ? href : undefined,
    align,
    dir: element.getAttribute("dir") === "rtl" ? "rtl" : undefined,
  });
}

/**
 * @param {string} text
 * @param {string} mark
 */
function indented(text, mark) {
  return text
    .split("\n")
    .map((line) => (line || mark.trim() ? (mark + line).trimEnd() : ""))
    .join("\n");
}
