/**
 * What highlight.js knows its languages by: the names of all of them, and which ones stand inside which. Asked of the
 * library itself, so that no table of ours can be out of date. With a path it writes a module there, for the panel's
 * worker; see `docs/build-layout.md`.
 */

import { readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import hljs from "highlight.js/lib/core";

const FOLDER = new URL("../node_modules/@highlightjs/cdn-assets/es/languages/", import.meta.url);
const SUFFIX = ".min.js";

/** The module's name for each name of a language, in small letters. @type {Record<string, string>} */
export const MODULES = {};
/** The modules that a language needs for what stands inside it, as CSS in HTML. @type {Record<string, string[]>} */
export const EMBEDDED = {};

const names = readdirSync(FOLDER).filter((name) => name.endsWith(SUFFIX));
for (const name of names.map((file) => file.slice(0, -SUFFIX.length)).sort()) {
  const { default: define } = await import(new URL(name + SUFFIX, FOLDER).href);
  hljs.registerLanguage(name, define);
  const language = /** @type {any} */ (hljs.getLanguage(name));
  for (const alias of language.aliases ?? []) MODULES[alias.toLowerCase()] ??= name;
  const inside = embedded(language);
  if (inside.size > 0) EMBEDDED[name] = [...inside].sort();
}
// A language's own name goes before another one's alias.
for (const name of hljs.listLanguages()) MODULES[name] = name;

/**
 * Where the library would have to guess among several, nothing is loaded: it takes them as they are.
 * @param {any} mode
 * @param {Set<any>} seen
 * @param {Set<string>} found
 * @returns {Set<string>}
 */
function embedded(mode, seen = new Set(), found = new Set()) {
  if (typeof mode !== "object" || mode === null || seen.has(mode)) return found;
  seen.add(mode);
  const inside = [mode.subLanguage ?? []].flat();
  if (inside.length === 1) found.add(inside[0]);
  for (const part of Object.values(mode)) embedded(part, seen, found);
  return found;
}

const [, program, target] = process.argv;
if (target && program === fileURLToPath(import.meta.url)) {
  const lines = Object.entries({ MODULES, EMBEDDED }).map(
    ([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`,
  );
  writeFileSync(target, lines.join(""));
}
