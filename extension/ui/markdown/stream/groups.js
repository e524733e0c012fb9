/**
 * Puts the parts of a very long container (blocks, items, rows) into groups. The browser goes through all children of
 * an element each time that one is added to it, but skips the content of a group that does not change.
 */

import { mount, move, patchShell } from "../patch.js";

/** @import {ElementView, Mounted} from "../patch.js" */
/** @import {Level} from "./levels.js" */

/** Parts of a container in one group, and rows of a table. */
const MOST_PARTS = 200;
const MOST_ROWS = 100;

const GROUP = { tag: "div", attributes: { class: "md-group" }, key: "group" };
const ROWS = { tag: "tbody", key: "group" };
/** A table of more cells is not laid out as one: each new row could change the width of all. */
const MOST_CELLS = 800;

/**
 * Whether the last group of an open container is full, and its open parts can be moved into another one.
 * @param {Level} level
 * @returns {boolean}
 */
export function isFull({ type, from, mounted }) {
  return from >= (type === "table" ? MOST_ROWS : MOST_PARTS) && !mounted.children.slice(from).some(isHeld);
}

/**
 * Whether the reader has the mouse, the keyboard or a selection in it, which moving it would take away.
 * @param {Mounted} mounted
 */
function isHeld({ node }) {
  const element = /** @type {Element} */ (/** @type {Node} */ (node));
  return Boolean(element.matches?.(":active, :focus-within") || document.getSelection?.()?.containsNode(node, true));
}

/**
 * Puts the parts from a place on into a group of their own, which takes those that follow.
 * @param {Mounted} shell  The container.
 * @param {Mounted} last  What holds its parts so far: the container, the body of a table or the last group.
 * @param {number} from
 * @returns {Mounted}
 */
export function beginGroup(shell, last, from) {
  const table = tableIn(shell);
  const holder = table ?? shell;
  const group = mount(table ? ROWS : GROUP);
  /** @type {Element} */ (/** @type {Node} */ (holder.node)).append(group.node);
  moveChildren(last, from, group);
  holder.children.push(group);
  if (table) widen(table);
  return group;
}

/**
 * Takes back the parts that are in later groups.
 * @param {Mounted} shell  The container, or the table.
 * @param {Mounted} last  The group whose own they become, or what holds the parts that are in none.
 */
export function gather(shell, last) {
  const first = shell.children.findIndex(isGroup);
  if (first < 0) return;
  for (const group of shell.children.splice(Math.max(first, shell.children.indexOf(last) + 1))) {
    moveChildren(group, 0, last);
    group.node.remove();
  }
}

/**
 * The same in all containers within one.
 * @param {Mounted} mounted
 */
export function gatherWithin(mounted) {
  gather(mounted, tagOf(mounted) === "table" ? mounted.children[1] : mounted);
  for (const child of mounted.children) gatherWithin(child);
}

/**
 * @param {Mounted} from
 * @param {number} start
 * @param {Mounted} to
 */
function moveChildren(from, start, to) {
  const element = /** @type {Element} */ (/** @type {Node} */ (to.node));
  for (const child of from.children.splice(start)) {
    if (/** @type {Node | null} */ (child.node.parentNode) === from.node) move(element, child.node);
    to.children.push(child);
  }
}

/** @param {Mounted} mounted */
function isGroup({ view }) {
  return typeof view !== "string" && view.key === "group";
}

/** @param {Mounted} mounted */
function tagOf({ view }) {
  return typeof view === "string" ? "" : view.tag;
}

/**
 * The table in the box of one.
 * @param {Mounted} shell
 */
function tableIn({ children }) {
  return children.find((child) => tagOf(child) === "table");
}

/**
 * Gives the columns of a long table widths that do not depend on the rows to come, by the texts that are there.
 * @param {Mounted} table
 */
function widen(table) {
  const view = /** @type {ElementView} */ (table.view);
  const rows = table.children.flatMap(({ children }) => children);
  const columns = rows[0].children.length;
  if (view.attributes?.class || rows.length * columns < MOST_CELLS) return;
  const widths = rows[0].children.map((_, column) => {
    const longest = rows.reduce(
      (most, { children }) => Math.max(most, children[column]?.node.textContent?.length ?? 0),
      0,
    );
    return Math.min(longest * 0.55, 22) + 2;
  });
  const element = /** @type {HTMLElement} */ (/** @type {Node} */ (table.node));
  element.style.setProperty("--columns", widths.map((width) => `minmax(${width}em, ${width}fr)`).join(" "));
  element.style.setProperty("--width", `${widths.reduce((sum, width) => sum + width)}em`);
  patchShell(table, { ...view, attributes: { ...view.attributes, class: "long" } });
}
