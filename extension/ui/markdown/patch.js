/**
 * Views as DOM nodes, and nodes brought up to date with the least change: what a reader has selected, focused, pressed
 * or unfolded belongs to a node, so a node whose view is the same one stays, and text changes where it differs.
 *
 * What is compared is the last view with the next one, never the page itself. Whatever others have done to the nodes (a
 * label that says "Copied", `details` that the reader unfolded, a button that was put in) therefore stays.
 */

import { setData, setText } from "../patch-text.js";
import { attributeOf, patchAttributes, patchStyle } from "./patch-attributes.js";

/** @import {Attributes} from "./patch-attributes.js" */

/**
 * A piece of the page as plain data: text, or an element.
 * @typedef {string | ElementView} View
 *
 * @typedef {object} ElementView
 * @property {string} tag
 * @property {Attributes} [attributes]
 * @property {Record<string, string>} [style]  Set property by property, which a policy against inline styles allows.
 * @property {readonly View[]} [children]
 * @property {string} [key]  Elements with different keys are different ones.
 * @property {string} [ns]  The namespace, where it is not HTML's.
 * @property {boolean} [own]  Once built, the children belong to other code: highlighted code, a shown image.
 *   Text inside still grows, in whichever nodes it is by then; other children follow as long as none has been replaced.
 */

/**
 * A view and its node on the page.
 * @typedef {object} Mounted
 * @property {View} view
 * @property {ChildNode} node
 * @property {Mounted[]} children  Empty for text, and for an element of its own that holds nothing but text.
 */

/** @type {readonly View[]} */
const NONE = [];
/** At most so many children are compared to find the one that a view is about. */
const FARTHEST = 20;

/**
 * Builds the nodes of a view.
 * @param {View} view
 * @returns {Mounted}
 */
export function mount(view) {
  if (typeof view === "string") return { view, node: document.createTextNode(view), children: [] };
  const { tag, ns, attributes = {} } = view;
  const element = ns
    ? document.createElementNS(ns, tag)
    : /** @type {Element} */ (/** @type {unknown} */ (document.createElement(tag)));
  for (const name in attributes) {
    const value = attributeOf(attributes, name);
    if (value !== null) element.setAttribute(name, value);
  }
  patchStyle(element, {}, view.style);
  /** @type {Mounted} */
  const mounted = { view, node: element, children: [] };
  const children = childrenOf(view);
  if (holdsText(view)) {
    for (const text of children) element.append(/** @type {string} */ (text));
    return mounted;
  }
  for (const child of children) {
    const below = mount(child);
    mounted.children.push(below);
    element.append(below.node);
  }
  return mounted;
}

/** By its element. @type {WeakMap<Node, Mounted>} */
const shown = new WeakMap();

/**
 * Builds an element, or brings the one up to date that this function gave before.
 * @param {ElementView} view
 * @param {Element | null} element
 * @returns {Element}
 */
export function show(view, element) {
  const there = element && shown.get(element);
  if (there) patch(there, view);
  const mounted = there ?? mount(view);
  shown.set(mounted.node, mounted);
  return /** @type {Element} */ (mounted.node);
}

/**
 * Whether the node of the first view can become that of the second.
 * @param {View} one
 * @param {View} other
 * @returns {boolean}
 */
export function isCompatible(one, other) {
  if (typeof one === "string" || typeof other === "string") return typeof one === typeof other;
  return one.tag === other.tag && one.key === other.key && one.ns === other.ns && !one.own === !other.own;
}

/**
 * Makes a node what a compatible view says.
 * @param {Mounted} mounted
 * @param {View} view
 */
export function patch(mounted, view) {
  const last = mounted.view;
  mounted.view = view;
  if (typeof view === "string") {
    setData(/** @type {Text} */ (mounted.node), view);
    return;
  }
  const { attributes, style } = /** @type {ElementView} */ (last);
  patchAttributes(/** @type {Element} */ (mounted.node), attributes, view.attributes);
  patchStyle(/** @type {Element} */ (mounted.node), style, view.style);
  if (!view.own) patchChildren(mounted, 0, childrenOf(view));
  else if (holdsText(view))
    setText(/** @type {Element} */ (mounted.node), /** @type {string} */ (childrenOf(view)[0] ?? ""));
  else if (isAsBuilt(mounted)) patchChildren(mounted, 0, childrenOf(view));
}

/**
 * Makes the attributes of a node what a view says, and does not change its children.
 * @param {Mounted} mounted
 * @param {ElementView} view  A compatible one.
 */
export function patchShell(mounted, view) {
  const last = /** @type {ElementView} */ (mounted.view);
  patchAttributes(/** @type {Element} */ (mounted.node), last.attributes, view.attributes);
  mounted.view = { ...last, attributes: view.attributes };
}

/**
 * Makes the children of a node, from a given one on, what these views say. Children that are the same at the beginning
 * and at the end stay as they are; in between a child becomes the next view of its kind.
 * @param {Mounted} mounted
 * @param {number} from
 * @param {readonly View[]} views
 * @param {boolean} [keepsRest]  More is to follow: children that are left over stay for it.
 */
export function patchChildren(mounted, from, views, keepsRest = false) {
  const parent = /** @type {Element} */ (mounted.node);
  const { children } = mounted;
  let next = 0;
  while (from < children.length && next < views.length && isSame(children[from], views[next])) {
    from += 1;
    next += 1;
  }
  let end = children.length;
  let last = views.length;
  while (!keepsRest && end > from && last > next && isSame(children[end - 1], views[last - 1])) {
    end -= 1;
    last -= 1;
  }
  if (end === from && last === next) return;
  const middle = children.slice(from, end);
  adoptSuccessors(parent, children, from, end);
  /** @type {Mounted[]} */
  const becomes = [];
  let at = 0;
  for (; next < last; next++) {
    const view = views[next];
    const surplus = middle.length - at - (last - next);
    const found = find(middle, at, Math.max(surplus, 0), view);
    if (found >= 0) {
      for (; at < found; at++) middle[at].node.remove();
      patch(middle[at], view);
      becomes.push(middle[at]);
      at += 1;
    } else if (surplus >= 0 && at < middle.length) {
      becomes.push(replace(parent, middle[at], view));
      at += 1;
    } else {
      const fresh = mount(view);
      parent.insertBefore(fresh.node, firstOf(parent, [middle, children], [at, end]));
      becomes.push(fresh);
    }
  }
  if (keepsRest) for (const rest of middle.slice(at)) becomes.push(rest);
  else for (; at < middle.length; at++) middle[at].node.remove();
  if (end === children.length) {
    children.length = from;
    for (const one of becomes) children.push(one);
  } else {
    const rest = children.slice(end);
    children.length = from;
    for (const one of becomes) children.push(one);
    for (const one of rest) children.push(one);
  }
}

/**
 * The next of the nodes that is still in its place.
 * @param {Element} parent
 * @param {Mounted[][]} lists
 * @param {number[]} starts
 * @returns {Node | null}
 */
function firstOf(parent, lists, starts) {
  for (const [index, list] of lists.entries()) {
    for (let at = starts[index]; at < list.length; at++) {
      if (list[at].node.parentNode === parent) return list[at].node;
    }
  }
  return null;
}

/**
 * The child that becomes a view: one that says the same, else the first one of its kind.
 * @param {Mounted[]} list
 * @param {number} start
 * @param {number} surplus  How many may be skipped.
 * @param {View} view
 * @returns {number}
 */
function find(list, start, surplus, view) {
  const stop = Math.min(start + surplus, list.length - 1, start + FARTHEST);
  for (let at = start; surplus > 0 && at <= stop; at++) if (isSame(list[at], view)) return at;
  for (let at = start; at <= stop; at++) if (isCompatible(list[at].view, view)) return at;
  return -1;
}

/**
 * Takes the element that replaced a node (an image in place of its button) for that node from now on.
 * @param {Element} parent
 * @param {Mounted[]} children
 * @param {number} start
 * @param {number} end
 */
function adoptSuccessors(parent, children, start, end) {
  for (let at = start; at < end; at++) {
    if (children[at].node.parentNode === parent) continue;
    const next = children.slice(at + 1).find(({ node }) => node.parentNode === parent)?.node;
    const successor = next ? next.previousSibling : parent.lastChild;
    if (successor && !children.some(({ node }) => node === successor)) children[at].node = successor;
  }
}

/**
 * Puts another element in the place of one that cannot become it. What is in it moves over: a paragraph whose
 * underline makes it a heading keeps its links.
 * @param {Element} parent
 * @param {Mounted} old
 * @param {View} view
 * @returns {Mounted}
 */
function replace(parent, old, view) {
  const isInPlace = old.node.parentNode === parent;
  if (typeof view === "string" || typeof old.view === "string" || view.own || old.view.own || !isInPlace) {
    const fresh = mount(view);
    if (isInPlace) parent.insertBefore(fresh.node, old.node);
    else parent.append(fresh.node);
    old.node.remove();
    return fresh;
  }
  const fresh = mount({ ...view, children: [] });
  const element = /** @type {Element} */ (fresh.node);
  parent.insertBefore(element, old.node);
  for (const child of old.children)
    if (/** @type {Node | null} */ (child.node.parentNode) === old.node) move(element, child.node);
  fresh.children = old.children;
  fresh.view = view;
  patchChildren(fresh, 0, childrenOf(view));
  old.node.remove();
  return fresh;
}

/**
 * Appends a node that is elsewhere on the page, with focus and state where the browser can do that.
 * @param {Element} parent
 * @param {Node} node
 */
export function move(parent, node) {
  const place = /** @type {Element & {moveBefore?: (node: Node, next: Node | null) => void}} */ (parent);
  if (place.moveBefore && place.isConnected) place.moveBefore(node, null);
  else place.append(node);
}

/**
 * Puts the children from a place on into an element of their own, in the same place.
 * @param {Mounted} mounted
 * @param {number} from
 * @param {ElementView} view  Without children.
 */
export function wrapChildren(mounted, from, view) {
  const wrapper = mount(view);
  const element = /** @type {Element} */ (wrapper.node);
  const inside = mounted.children.slice(from);
  /** @type {Element} */ (mounted.node).insertBefore(element, inside[0]?.node ?? null);
  for (const { node } of inside) if (/** @type {Node | null} */ (node.parentNode) === mounted.node) move(element, node);
  wrapper.children = inside;
  mounted.children.length = from;
  mounted.children.push(wrapper);
}

/**
 * Whether an element still has the children that were built.
 * @param {Mounted} mounted
 */
function isAsBuilt({ node, children }) {
  const { childNodes } = node;
  return childNodes.length === children.length && children.every((child, at) => childNodes[at] === child.node);
}

/**
 * The children of a view, with texts side by side as one.
 * @param {ElementView} view
 * @returns {readonly View[]}
 */
function childrenOf({ children = NONE }) {
  const isTidy = children.every(
    (child, at) => typeof child !== "string" || (child !== "" && typeof children[at - 1] !== "string"),
  );
  return isTidy ? children : tidy(children);
}

/**
 * Without empty texts, and with texts side by side as one.
 * @param {readonly View[]} views
 * @returns {View[]}
 */
export function tidy(views) {
  /** @type {View[]} */
  const tidied = [];
  for (const view of views) {
    const last = tidied.at(-1);
    if (typeof view !== "string") tidied.push(view);
    else if (typeof last === "string") tidied[tidied.length - 1] = last + view;
    else if (view) tidied.push(view);
  }
  return tidied;
}

/** @param {ElementView} view */
function holdsText({ own, children = NONE }) {
  return own === true && children.every((child) => typeof child === "string");
}

/**
 * Whether nothing needs to change for a view. The children are compared with what is there: they may have been
 * patched apart from their parent.
 * @param {Mounted} mounted
 * @param {View} view
 * @returns {boolean}
 */
export function isSame(mounted, view) {
  const last = mounted.view;
  if (typeof last === "string" || typeof view === "string") return last === view;
  if (!isCompatible(last, view)) return false;
  const [a = {}, b = {}] = [last.attributes, view.attributes];
  for (const name in a) if (attributeOf(a, name) !== attributeOf(b, name)) return false;
  for (const name in b) if (!(name in a) && attributeOf(b, name) !== null) return false;
  const children = childrenOf(view);
  if (holdsText(last)) return holdsText(view) && childrenOf(last)[0] === children[0];
  return (
    mounted.children.length === children.length && mounted.children.every((child, at) => isSame(child, children[at]))
  );
}
