/**
 * The view of a block, made safe: a block that cannot be drawn is shown as it is written.
 */

import { mount, patchChildren, tidy } from "../patch.js";
import { STUB } from "./levels.js";
import { inParts, PART_LENGTH } from "./parts.js";

/** @import {BlockNode} from "../../../shared/markdown/parse.js" */
/** @import {ElementView, Mounted, View} from "../patch.js" */
/** @import {Tail} from "./tail.js" */

export class SafeView {
  #view;
  #tail;

  /**
   * @param {(node: any) => View | null} viewer
   * @param {Tail} tail
   */
  constructor(viewer, tail) {
    this.#view = viewer;
    this.#tail = tail;
  }

  /**
   * @param {BlockNode} node
   * @returns {View | null}  Null for a block that is not shown.
   */
  of(node) {
    const shown = this.ifDrawable(node);
    return shown === undefined ? inParts(plainView(this.#tail.textOf(node))) : shown;
  }

  /**
   * @param {BlockNode} node
   * @returns {View | null | undefined}  Null for a block that is not shown, undefined for one that cannot be drawn.
   */
  ifDrawable(node) {
    if (/** @type {string} */ (node.type) === "plain") return;
    try {
      const shown = this.#view(node);
      return shown && node.end - node.start > PART_LENGTH ? inParts(shown) : shown;
    } catch (error) {
      console.error(error);
    }
  }

  /**
   * The element of a list without its items.
   * @param {BlockNode} node
   * @returns {ElementView}
   */
  ofLooseList(node) {
    return /** @type {ElementView} */ (this.#view({ ...node, isLoose: true, children: [] }));
  }

  /**
   * The text of a paragraph, or of a part of one, without what its head has put in.
   * @param {BlockNode} node
   * @returns {View[]}
   */
  ofText(node) {
    const shown = this.of(node);
    const isText = node.type === "paragraph" || node.type === "heading";
    const children = isText && shown && typeof shown !== "string" ? shown.children : undefined;
    const [first = "", ...others] = children ?? [this.#tail.textOf(node)];
    return tidy([typeof first === "string" && first.startsWith(STUB) ? first.slice(STUB.length) : first, ...others]);
  }

  /**
   * Makes the children of an element, from one on, these blocks.
   * @param {Mounted} mounted
   * @param {number} from
   * @param {BlockNode[]} nodes
   * @param {boolean} keepsRest  Children that are left over stay.
   * @returns {(Mounted | null)[]}  For each block, what is on the page.
   */
  patchBlocks(mounted, from, nodes, keepsRest) {
    const views = nodes.map((node) => this.of(node));
    const shown = /** @type {View[]} */ (views.filter((one) => one !== null));
    try {
      patchChildren(mounted, from, shown, keepsRest);
    } catch (error) {
      console.error(error);
      this.#buildOneByOne(mounted, from, nodes, shown);
    }
    let at = from;
    return views.map((one) => (one === null ? null : mounted.children[at++]));
  }

  /**
   * Builds the children anew. One that cannot be built is shown as it is written.
   * @param {Mounted} mounted
   * @param {number} from
   * @param {BlockNode[]} nodes
   * @param {View[]} views
   */
  #buildOneByOne(mounted, from, nodes, views) {
    const parent = /** @type {Element} */ (mounted.node);
    while (mounted.node.childNodes.length > from) /** @type {ChildNode} */ (mounted.node.lastChild).remove();
    mounted.children.length = Math.min(from, mounted.children.length);
    for (const [index, one] of views.entries()) {
      let child;
      try {
        child = mount(one);
      } catch {
        child = mount(plainView(this.#tail.textOf(nodes[index])));
      }
      mounted.children.push(child);
      parent.append(child.node);
    }
  }
}

/**
 * @param {string} text
 * @returns {ElementView}
 */
function plainView(text) {
  return { tag: "p", attributes: { class: "md-html" }, children: [text.replaceAll(STUB, "").trim()] };
}
