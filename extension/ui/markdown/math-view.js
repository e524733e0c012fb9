/**
 * Formulas as MathML, which the browser sets by itself and screen readers read. Temml makes it from TeX; its tree is
 * taken over node by node and never as a string. It is loaded when the first formula is met.
 */

import { mount } from "./patch.js";

/** @import {MathNode} from "../../shared/markdown/inline.js" */
/** @import {ElementView, View} from "./patch.js" */

const MATHML = "http://www.w3.org/1998/Math/MathML";

/** Longer or deeper TeX is shown as its source, so that no formula can hold the page up. */
const LONGEST = 3_000;
const DEEPEST = 60;
const MOST_NODES = 6_000;
const OPTIONS = {
  throwOnError: true,
  trust: false,
  maxExpand: 300,
  maxSize: /** @type {[number, number]} */ ([20, 20]),
};

/** What Temml makes; anything else (links, pictures, HTML) is refused. */
const TAGS = new Set(
  (
    "math semantics mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom msub " +
    "msup msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd menclose"
  ).split(" "),
);
const REFUSED_ATTRIBUTE = /^(?:on|href$|xlink|src$|id$|style$)/i;

/**
 * @typedef {object} TemmlNode
 * @property {string} [type]
 * @property {string} [text]
 * @property {Record<string, string>} [attributes]
 * @property {string[]} [classes]
 * @property {Record<string, string>} [style]
 * @property {TemmlNode[]} [children]
 */

/** @type {typeof import("../../vendor/temml.js").default | null} */
let temml = null;
/** @type {Promise<void> | null} */
let loading = null;

/** @type {Map<string, ElementView | null>} The formulas that were set last; null for TeX with an error. */
const known = new Map();
const MOST_KNOWN = 500;

/** Makes formulas ready to be set at once. */
export function loadMath() {
  loading ??= import("../../vendor/temml.js").then((module) => {
    temml = module.default;
    drawWaiting();
  });
  return loading;
}

/** Sets the formulas that were drawn as their source before Temml was there. */
function drawWaiting() {
  for (const element of document.querySelectorAll("[data-math-waits]")) {
    const isDisplay = element.getAttribute("data-math-waits") === "display";
    const math = setMath(element.getAttribute("data-tex-inside") ?? "", isDisplay);
    element.removeAttribute("data-math-waits");
    if (math) element.replaceChildren(mount(math).node);
  }
}

/**
 * A formula within a text.
 * @param {MathNode} node
 * @returns {ElementView}
 */
export function mathView(node) {
  return wrapped("span", node.isDisplay ? "math math-display" : "math", node);
}

/**
 * A formula of its own, or its source while it is not finished.
 * @param {MathNode} node
 * @returns {ElementView}
 */
export function mathBlockView(node) {
  if (node.isClosed) return wrapped("div", "math math-block", node);
  return { tag: "p", attributes: { class: "math-source", dir: "ltr" }, children: [node.source] };
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {MathNode} node
 * @returns {ElementView}
 */
function wrapped(tag, className, { source, tex, isDisplay }) {
  /** @type {Record<string, string>} */
  const attributes = { class: className, "data-tex": source, dir: "ltr" };
  let math = null;
  if (temml) math = setMath(tex, isDisplay);
  else {
    attributes["data-math-waits"] = isDisplay ? "display" : "inline";
    attributes["data-tex-inside"] = tex;
    loadMath();
  }
  if (!math) attributes.class += " math-source";
  return { tag, attributes, children: [math ?? source], key: source, own: true };
}

/**
 * @param {string} tex
 * @param {boolean} isDisplay
 * @returns {ElementView | null}  Nothing for TeX with an error.
 */
function setMath(tex, isDisplay) {
  const key = `${isDisplay ? "d" : "i"}${tex}`;
  let math = known.get(key);
  if (math !== undefined) return math;
  math = isBounded(tex) ? makeMath(tex, isDisplay) : null;
  if (known.size >= MOST_KNOWN) known.delete(/** @type {string} */ (known.keys().next().value));
  known.set(key, math);
  return math;
}

/** @param {string} tex */
function isBounded(tex) {
  if (!tex || tex.length > LONGEST) return false;
  let depth = 0;
  for (const [mark] of tex.matchAll(/\\(?:left|right|begin|end)(?![a-zA-Z])|\\.|[{}]/gs)) {
    if (mark === "{" || mark === "\\left" || mark === "\\begin") depth += 1;
    else if (mark === "}" || mark === "\\right" || mark === "\\end") depth -= 1;
    if (depth > DEEPEST) return false;
  }
  return true;
}

/**
 * @param {string} tex
 * @param {boolean} isDisplay
 * @returns {ElementView | null}
 */
function makeMath(tex, isDisplay) {
  try {
    const tree = /** @type {any} */ (temml).__renderToMathMLTree(tex, { ...OPTIONS, displayMode: isDisplay });
    const budget = { left: MOST_NODES };
    const [math] = taken(tree, budget);
    return typeof math === "object" ? math : null;
  } catch {
    return null; // An error in the TeX, or more of it than is set.
  }
}

/**
 * @param {TemmlNode} node
 * @param {{left: number}} budget
 * @returns {View[]}
 */
function taken(node, budget) {
  budget.left -= 1;
  if (budget.left < 0) throw new Error("too large");
  if (node.text !== undefined && !node.children) return [node.text];
  const children = (node.children ?? []).flatMap((child) => taken(child, budget));
  // A fragment.
  if (!node.type) return children;
  if (!TAGS.has(node.type)) throw new Error(`refused: ${node.type}`);
  /** @type {Record<string, string>} */
  const attributes = {};
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    if (!REFUSED_ATTRIBUTE.test(name)) attributes[name] = String(value);
  }
  const classes = (node.classes ?? []).filter(Boolean).join(" ");
  if (classes) attributes.class = classes;
  /** @type {Record<string, string>} */
  const style = {};
  for (const [name, value] of Object.entries(node.style ?? {})) {
    if (value && !/url|[;{}]/i.test(String(value))) style[name] = String(value);
  }
  return [{ tag: node.type, ns: MATHML, attributes, style, children }];
}
