/**
 * Colours for finished code blocks, with highlight.js. Languages are loaded when they are met; the nodes are built from
 * highlight.js's token tree, because its HTML strings are refused by these pages.
 */

import hljs from "../vendor/highlight/core.js";
import { el } from "./dom.js";

/** Longer code keeps its one colour: highlighting it would hold the page up. */
const LONGEST = 60_000;

/** The module in `vendor/highlight/languages/` for each name that a fence may carry. */
const MODULES = new Map(
  Object.entries({
    bash: "bash",
    sh: "bash",
    shell: "bash",
    zsh: "bash",
    console: "bash",
    c: "c",
    h: "c",
    cpp: "cpp",
    "c++": "cpp",
    cc: "cpp",
    csharp: "csharp",
    cs: "csharp",
    "c#": "csharp",
    css: "css",
    diff: "diff",
    patch: "diff",
    go: "go",
    golang: "go",
    java: "java",
    javascript: "javascript",
    js: "javascript",
    jsx: "javascript",
    mjs: "javascript",
    json: "json",
    jsonc: "json",
    json5: "json",
    markdown: "markdown",
    md: "markdown",
    python: "python",
    py: "python",
    py3: "python",
    rust: "rust",
    rs: "rust",
    sql: "sql",
    typescript: "typescript",
    ts: "typescript",
    tsx: "typescript",
    html: "xml",
    xml: "xml",
    svg: "xml",
    yaml: "yaml",
    yml: "yaml",
  }),
);

/**
 * A node of the token tree that highlight.js keeps behind a result; lowlight builds on the same.
 * @typedef {{scope?: string, children: (TreeNode | string)[]}} TreeNode
 */

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/**
 * Colours a code element that says its language in `data-language`; an unknown one is left alone.
 * @param {HTMLElement} code
 * @returns {Promise<void>}
 */
export async function highlight(code) {
  const name = MODULES.get((code.dataset.language ?? "").toLowerCase());
  const text = code.textContent ?? "";
  if (!name || text.length > LONGEST) return;
  if (!loading.has(name)) loading.set(name, load(name));
  await loading.get(name);
  const result = /** @type {any} */ (hljs.highlight(text, { language: name, ignoreIllegals: true }));
  if (code.textContent !== text) return;
  code.replaceChildren(...build(result._emitter.rootNode));
}

/** @param {string} name */
async function load(name) {
  const module = await import(`../vendor/highlight/languages/${name}.js`);
  hljs.registerLanguage(name, module.default);
}

/**
 * @param {TreeNode} node
 * @returns {(Node | string)[]}
 */
function build(node) {
  return node.children.map((child) => {
    if (typeof child === "string") return child;
    // "title.function" is a title first of all; "language:css" marks an embedded language.
    const scope = (child.scope ?? "").split(/[.:]/, 1)[0];
    return el("span", { class: scope && scope !== "language" && `hl-${scope}` }, ...build(child));
  });
}
