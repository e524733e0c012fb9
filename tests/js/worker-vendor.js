/**
 * The vendored libraries of the worker's modules, under the paths that they have in the built extension. Import this
 * first.
 */

import { register } from "node:module";

register(
  `data:text/javascript,${encodeURIComponent(`
    const vendored = {
      "/vendor/idb.js": "idb",
      "/vendor/markdown-it.js": "markdown-it/browser",
      "/vendor/markdown-it-cjk-friendly.js": "markdown-it-cjk-friendly",
      "/vendor/highlight/languages.js": "../../tools/languages.mjs",
    };
    export function resolve(specifier, context, next) {
      const name = Object.keys(vendored).find((path) => specifier.endsWith(path));
      if (!name) return next(specifier, context);
      return next(vendored[name], { ...context, parentURL: ${JSON.stringify(import.meta.url)} });
    }
  `)}`,
);
