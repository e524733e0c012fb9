/**
 * Which parts of a code have which colour, with highlight.js. It runs in a worker (`highlight-worker.js`): some of its
 * expressions take minutes on a hostile text. Languages are loaded when they are met.
 */

import hljs from "../vendor/highlight/core.js";
import { EMBEDDED } from "../vendor/highlight/languages.js";

/**
 * A node of the token tree that highlight.js keeps behind a result; lowlight builds on the same.
 * @typedef {{scope?: string, children: (TreeNode | string)[]}} TreeNode
 */

/** @typedef {[start: number, end: number, scope: string]} ColouredRange  In UTF-16 units. */

/**
 * By module: highlight.js with that language and the languages inside it, so that it cannot guess another one.
 * @type {Map<string, Promise<typeof hljs>>}
 */
const loaded = new Map();

/**
 * Loads what `colour` needs for a language.
 * @param {string} module  One of highlight.js's, by `languages.js`.
 * @returns {Promise<typeof hljs>}
 */
export function loadLanguage(module) {
  const found = loaded.get(module) ?? load(module);
  loaded.set(module, found);
  return found;
}

/** @param {string} module */
async function load(module) {
  const wanted = new Set([module]);
  // A set is read to its end, however it grows meanwhile.
  for (const name of wanted) for (const inside of EMBEDDED[name] ?? []) wanted.add(inside);
  const modules = await Promise.all(
    [...wanted].map(async (name) => [name, (await import(`../vendor/highlight/languages/${name}.js`)).default]),
  );
  const highlighter = hljs.newInstance();
  for (const [name, language] of modules) highlighter.registerLanguage(name, language);
  return highlighter;
}

/**
 * @param {typeof hljs} highlighter  With the language.
 * @param {string} module
 * @param {string} text
 * @returns {ColouredRange[]}  One after the other, of the innermost scopes.
 */
export function colour(highlighter, module, text) {
  const result = /** @type {any} */ (highlighter.highlight(text, { language: module, ignoreIllegals: true }));
  /** @type {ColouredRange[]} */
  const ranges = [];
  let offset = 0;
  /** @param {TreeNode} node @param {string} scope */
  const walk = (node, scope) => {
    for (const child of node.children) {
      if (typeof child !== "string") {
        walk(child, scopeOf(child) ?? scope);
        continue;
      }
      const end = offset + child.length;
      const last = ranges.at(-1);
      if (scope && last?.[1] === offset && last[2] === scope) last[1] = end;
      else if (scope) ranges.push([offset, end, scope]);
      offset = end;
    }
  };
  walk(result._emitter.rootNode, "");
  return ranges;
}

/**
 * "title.function" is a title first of all. Code of another language in a string is no string any more.
 * @param {TreeNode} node
 * @returns {string | undefined}  Undefined if that of what is around it counts.
 */
function scopeOf({ scope = "" }) {
  if (/^language[:-]/.test(scope)) return "";
  return scope.split(/[.:]/, 1)[0] || undefined;
}
