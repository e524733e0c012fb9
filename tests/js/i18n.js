/**
 * `chrome.i18n` in Node, with the catalogue as it is: preloaded by `node --import ./tests/js/i18n.js`. Whatever a test
 * assigns to `chrome` gets it too.
 */

import { readFileSync } from "node:fs";

/** @type {Record<string, {message: string, placeholders?: Record<string, {content: string}>}>} */
const catalogue = JSON.parse(
  readFileSync(new URL("../../extension/_locales/en/messages.json", import.meta.url), "utf8"),
);

const i18n = {
  /** As Chrome does it: named placeholders first, then the values. @param {string} key @param {string[]} values */
  getMessage(key, values = []) {
    const found = catalogue[key];
    if (!found) return "";
    const named = found.message.replace(
      /\$(\w+)\$/g,
      (_, name) => found.placeholders?.[name.toLowerCase()]?.content ?? "",
    );
    return named.replace(/\$(\d|\$)/g, (_, at) => (at === "$" ? "$" : (values[Number(at) - 1] ?? "")));
  },
  getUILanguage: () => "en",
};

/** @type {any} */
let given = { i18n };
Object.defineProperty(globalThis, "chrome", {
  configurable: true,
  enumerable: true,
  get: () => given,
  set: (value) => {
    if (value) value.i18n ??= i18n;
    given = value;
  },
});
