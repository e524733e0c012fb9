/**
 * As much of a DOM as the panel's pure modules touch, with an outline for comparing, and the vendored libraries under
 * the paths that they have in the built extension. Import this first, then the module under test with `await
 * import(...)`.
 */

import { register } from "node:module";

const hook = `
  const vendored = {
    "/vendor/markdown-it.js": "markdown-it/browser",
    "/vendor/markdown-it-cjk-friendly.js": "markdown-it-cjk-friendly",
    "/vendor/temml.js": "temml",
    "/vendor/highlight/core.js": "highlight.js/lib/core", "/vendor/idb.js": "idb",
    "/vendor/highlight/languages.js": "../../tools/languages.mjs",
  };
  export function resolve(specifier, context, next) {
    const name = Object.keys(vendored).find((path) => specifier.endsWith(path));
    const [, language] = specifier.match(/\\/vendor\\/highlight\\/languages\\/(.*)\\.js$/) ?? [];
    if (!name && !language) return next(specifier, context);
    const path = vendored[name] ?? "highlight.js/lib/languages/" + language;
    return next(path, { ...context, parentURL: ${JSON.stringify(import.meta.url)} });
  }`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

/** How many nodes were made since the start. */
export const work = { nodes: 0 };

class TinyNode {
  static TEXT_NODE = 3;
  /** @type {TinyElement | null} */
  parent = null;
  constructor() {
    work.nodes += 1;
  }
  get parentNode() {
    return this.parent;
  }
  get nextSibling() {
    return this.#sibling(1);
  }
  get previousSibling() {
    return this.#sibling(-1);
  }
  /** @param {number} by */
  #sibling(by) {
    const siblings = this.parent?.childNodes ?? [];
    return siblings[siblings.indexOf(/** @type {any} */ (this)) + by] ?? null;
  }
  remove() {
    if (!this.parent) return;
    this.parent.childNodes.splice(this.parent.childNodes.indexOf(/** @type {any} */ (this)), 1);
    this.parent = null;
  }
}

class TinyText extends TinyNode {
  nodeType = 3;
  /** @param {string} data */
  constructor(data) {
    super();
    this.data = data;
  }
  /** @param {string} text */
  appendData(text) {
    this.data += text;
  }
  /**
   * @param {number} offset
   * @param {number} count
   * @param {string} text
   */
  replaceData(offset, count, text) {
    this.data = this.data.slice(0, offset) + text + this.data.slice(offset + count);
  }
  get textContent() {
    return this.data;
  }
}

class TinyElement extends TinyNode {
  nodeType = 1;
  /** @type {(TinyElement | TinyText)[]} */
  childNodes = [];
  /** @type {Map<string, string>} */
  attributes = new Map();
  hidden = false;
  disabled = false;
  readOnly = false;
  value = "";
  /** As an attribute, in the order in which it was set. */
  style = {
    setProperty: (/** @type {string} */ name, /** @type {string} */ value) => this.#setStyle(name, value),
    removeProperty: (/** @type {string} */ name) => this.#setStyle(name, null),
  };
  /** @type {Map<string, string>} */
  #styles = new Map();
  /** @type {Map<string, ((event: any) => void)[]>} */
  #listeners = new Map();

  /** @param {string} tag */
  constructor(tag) {
    super();
    this.tagName = tag.toUpperCase();
  }
  /**
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  addEventListener(type, listener) {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }
  /**
   * An event at this element, which bubbles.
   * @param {string} type
   * @param {object} [fields]
   */
  dispatch(type, fields = {}) {
    const event = { type, target: this, defaultPrevented: false, preventDefault: () => {}, ...fields };
    event.preventDefault = () => {
      event.defaultPrevented = true;
    };
    for (let at = /** @type {TinyElement | null} */ (this); at; at = at.parent) {
      for (const listener of at.#listeners.get(type) ?? []) listener(event);
    }
    return event;
  }
  click() {
    if (!this.disabled) this.dispatch("click");
  }
  focus() {
    Object.assign(document, { activeElement: this });
  }
  setSelectionRange() {}
  get textContent() {
    return this.childNodes.map((/** @type {any} */ node) => node.textContent).join("");
  }
  set textContent(text) {
    for (const node of [...this.childNodes]) node.remove();
    if (text) this.append(text);
  }
  get children() {
    return this.childNodes.filter((node) => node instanceof TinyElement);
  }
  get childElementCount() {
    return this.children.length;
  }
  get firstElementChild() {
    return this.children[0] ?? null;
  }
  /**
   * @param {string} name
   * @param {string | null} value
   */
  #setStyle(name, value) {
    if (value === null) this.#styles.delete(name);
    else this.#styles.set(name, value);
    this.setAttribute("style", [...this.#styles].map((property) => property.join(": ")).join("; "));
  }
  /** @param {string} name */
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  /** @param {string} name */
  removeAttribute(name) {
    this.attributes.delete(name);
  }
  get firstChild() {
    return this.childNodes[0] ?? null;
  }
  /** @returns {TinyElement | TinyText | null} */
  get lastChild() {
    return this.childNodes.at(-1) ?? null;
  }
  /** @returns {TinyElement | null} */
  get lastElementChild() {
    return this.childNodes.findLast((/** @type {any} */ node) => node instanceof TinyElement) ?? null;
  }
  get classList() {
    return {
      toggle: (/** @type {string} */ name, /** @type {boolean} */ on) => {
        const names = new Set((this.attributes.get("class") ?? "").split(" ").filter(Boolean));
        if (on) names.add(name);
        else names.delete(name);
        this.attributes.set("class", [...names].join(" "));
      },
    };
  }
  /**
   * @param {string} name
   * @param {string} value
   */
  setAttribute(name, value) {
    this.attributes.set(name, value);
  }
  /** @param {...any} nodes */
  replaceChildren(...nodes) {
    for (const node of [...this.childNodes]) node.remove();
    this.append(...nodes);
  }
  /** @param {...any} nodes */
  append(...nodes) {
    for (const node of nodes) this.insertBefore(node, null);
  }
  /** @param {...any} nodes */
  prepend(...nodes) {
    const first = this.childNodes[0] ?? null;
    for (const node of nodes) this.insertBefore(node, first);
  }
  /**
   * @param {any} node
   * @param {any} next
   */
  insertBefore(node, next) {
    const child = typeof node === "string" ? new TinyText(node) : node;
    child.remove();
    child.parent = this;
    this.childNodes.splice(next ? this.childNodes.indexOf(next) : this.childNodes.length, 0, child);
  }
  /** @param {string} selector */
  querySelectorAll(selector) {
    const own = [...selector.matchAll(/:scope > \.([\w-]+)/g)].map(([, name]) => name);
    if (own.length > 0) return this.children.filter((node) => own.includes(node.getAttribute("class") ?? ""));
    if (selector !== "pre > code") throw new Error(`not here: ${selector}`);
    return [...this.#descendants()].filter((node) => node.tagName === "CODE" && node.parent?.tagName === "PRE");
  }
  /** @returns {Generator<TinyElement>} */
  *#descendants() {
    for (const node of this.children) {
      yield node;
      yield* node.#descendants();
    }
  }
  /**
   * The element inside that has this name: its label, else its text.
   * @param {string} tag
   * @param {string} name
   */
  find(tag, name) {
    return [...this.#descendants()].find(
      (node) => node.tagName === tag.toUpperCase() && (node.getAttribute("aria-label") ?? node.textContent) === name,
    );
  }
}

/** Nothing is laid out here, so nothing is ever seen. */
class NoObserver {
  observe() {}
  disconnect() {}
}

Object.assign(globalThis, {
  IntersectionObserver: NoObserver,
  ResizeObserver: NoObserver,
  // The window's: none of its events come here.
  addEventListener: () => {},
  Node: TinyNode,
  // Nothing is ever idle here: what would be done then needs a browser.
  requestIdleCallback: () => 0,
  document: {
    compatMode: "CSS1Compat",
    querySelectorAll: () => [],
    createElement: (/** @type {string} */ tag) => new TinyElement(tag),
    createElementNS: (/** @type {string} */ _, /** @type {string} */ tag) => new TinyElement(tag),
    createTextNode: (/** @type {string} */ text) => new TinyText(text),
  },
});

/** @returns {any} */
export function newRoot() {
  return new TinyElement("div");
}

/**
 * The tree as text, adjacent texts joined.
 * @param {any} node
 * @returns {string}
 */
export function outline(node) {
  if (node instanceof TinyText) return node.data.replaceAll("<", "&lt;");
  const tag = node.tagName.toLowerCase();
  const attributes = [...node.attributes].filter(([, value]) => value !== "" || tag === "input").sort();
  const inside = node.childNodes.map(outline).join("");
  return `<${tag}${attributes.map(([name, value]) => ` ${name}="${value}"`).join("")}>${inside}</${tag}>`;
}
