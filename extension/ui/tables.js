/** A rendered table as text: Markdown, and CSV for spreadsheets. */

import { longestRun } from "../shared/markdown/fences.js";

/** What Markdown would take for its own; not each underline in a name. */
const MARKS = /[\\`*|]|~(?=~)|<(?=[a-z/!])|\](?=[[(])|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/giu;
/** A number with its sign, unit and percent, which spreadsheets may read as one. */
const NUMBER = /^[-+]?[\p{Sc}\s]*\d[\d\s.,'’]*(?:[eE][-+]?\d+)?\s?(?:%|\p{Sc}|\p{L}{0,3})$/u;

/**
 * The table by RFC 4180.
 *
 * What begins with `=`, `+`, `-` or `@` a spreadsheet takes for a formula, and a model may have had it from a hostile
 * page. It gets an apostrophe in front, as OWASP advises, unless it is a number: a table full of `'-5` would be of no
 * use, and numbers do no harm.
 * @param {HTMLTableElement} table
 */
export function toCsv(table) {
  return rowsOf(table)
    .map((cells) => `${cells.map((cell) => csvField(cellText(cell))).join(",")}\r\n`)
    .join("");
}

/** @param {string} text */
export function csvField(text) {
  const guarded = /^[=+\-@\t\r]/.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** @param {HTMLTableElement} table */
export function toMarkdown(table) {
  const [head = [], ...rows] = rowsOf(table);
  const line = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |\n`;
  return [
    line(head.map(cellMarkdown)),
    line(head.map((cell) => rule(cell.className))),
    ...rows.map((cells) => line(cells.map(cellMarkdown))),
  ].join("");
}

/** @param {string} align  A class. */
function rule(align) {
  if (align === "align-right") return "---:";
  if (align === "align-center") return ":---:";
  return align === "align-left" ? ":---" : "---";
}

/**
 * @param {HTMLTableElement} table
 * @returns {HTMLElement[][]}
 */
function rowsOf(table) {
  return [...table.rows].map((row) => [...row.cells]);
}

/**
 * The text of a cell: links without their addresses, formulas as TeX.
 * @param {Node} node
 * @returns {string}
 */
export function cellText(node) {
  return [...node.childNodes].map(textOf).join("").trim();
}

/**
 * @param {Node} node
 * @returns {string}
 */
function textOf(node) {
  if (node.nodeType === Node.TEXT_NODE) return (node.textContent ?? "").replace(/\s+/g, " ");
  const element = /** @type {HTMLElement} */ (node);
  return special(element) ?? [...element.childNodes].map(textOf).join("");
}

/**
 * What is not what it holds.
 * @param {HTMLElement} element
 * @returns {string | undefined}
 */
export function special(element) {
  switch (element.tagName) {
    case "BR":
      return "\n";
    case "INPUT":
      return /** @type {HTMLInputElement} */ (element).checked ? "[x]" : "[ ]";
    case "IMG":
      return element.getAttribute("alt") ?? "";
    case "BUTTON":
      return element.dataset.alt ?? "";
  }
  return element.dataset.tex;
}

/** @param {HTMLElement} cell */
function cellMarkdown(cell) {
  // Only between the cells is a bar a bar.
  return [...cell.childNodes].map(markdownOf).join("").trim().replace(/\n/g, "<br>");
}

const AROUND = /** @type {Record<string, string>} */ ({ STRONG: "**", B: "**", EM: "*", I: "*", DEL: "~~", S: "~~" });

/**
 * @param {Node} node
 * @returns {string}
 */
function markdownOf(node) {
  if (node.nodeType === Node.TEXT_NODE) return (node.textContent ?? "").replace(/\s+/g, " ").replace(MARKS, "\\$&");
  const element = /** @type {HTMLElement} */ (node);
  if (element.matches("button[data-src], img[src]")) {
    return `![${escaped(special(element) ?? "")}](${element.dataset.src ?? element.getAttribute("src")})`;
  }
  if (element.classList.contains("md-link-host")) return "";
  const text = special(element);
  // A bar ends a cell in a formula and in code as well.
  if (text !== undefined) return text.replaceAll("|", "\\|");
  const inside = [...element.childNodes].map(markdownOf).join("");
  if (element.tagName === "CODE") return code((element.textContent ?? "").replaceAll("|", "\\|"));
  const href = element.getAttribute("href");
  if (element.tagName === "A" && href)
    return href === element.textContent
      ? href.replaceAll("|", "%7C")
      : `[${inside}](${href.replace(/[|()\s]/g, encodeURIComponent)})`;
  const mark = AROUND[element.tagName];
  if (mark) return inside.trim() ? `${mark}${inside}${mark}` : inside;
  return /^(?:SUB|SUP|KBD|U|INS|MARK|SMALL)$/.test(element.tagName)
    ? `<${element.localName}>${inside}</${element.localName}>`
    : inside;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(MARKS, "\\$&");
}

/** @param {string} text */
function code(text) {
  const longest = longestRun(text);
  const fence = "`".repeat(longest + 1);
  const space = /^`|`$/.test(text) ? " " : "";
  return fence + space + text + space + fence;
}
