/**
 * What a call says that it will do, as it is shown. Whoever is asked has to see all of it.
 */

import { lookAlikes, namesCharacters, revealed } from "../../ui/revealed.js";

/**
 * @param {string} text  The arguments.
 * @returns {{lines: number, hasUnseen: boolean, lookAlikes: string[]}}  Of what is shown.
 */
export function aboutArguments(text) {
  const { text: shown } = argumentsText(text);
  return {
    lines: shown.trimEnd().split("\n").length,
    hasUnseen: namesCharacters(shown),
    lookAlikes: lookAlikes(shown),
  };
}

/**
 * Code is shown as it is, other arguments as JSON.
 * @param {string} text  The arguments.
 * @returns {{text: string, isCode: boolean}}
 */
export function argumentsText(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    // It is shown as it came.
    return { text: revealed(text), isCode: false };
  }
  if (typeof value !== "object" || value === null) return { text: revealed(text), isCode: false };
  if (Object.keys(value).length === 0) return { text: "", isCode: false };
  const { code, ...others } = value;
  if (typeof code === "string" && Object.keys(others).length === 0) return { text: revealed(code), isCode: true };
  return { text: revealed(JSON.stringify(value, null, 2)), isCode: false };
}

/**
 * The same of arguments of which only the beginning has come.
 * @param {string} text
 * @returns {string}
 */
export function argumentsSoFar(text) {
  const opening = /^\s*\{\s*"code"\s*:\s*"/.exec(text);
  if (!opening) return revealed(text);
  // Up to the closing quotation mark, or to an escape that is not whole yet.
  const [string] = /** @type {RegExpExecArray} */ (
    /^(?:[^"\\]+|\\u[\da-fA-F]{4}|\\[^u])*/.exec(text.slice(opening[0].length))
  );
  try {
    // Of a character of two parts the second may be on its way.
    return revealed(JSON.parse(`"${string}"`).replace(/[\ud800-\udbff]$/, ""));
  } catch {
    return revealed(text);
  }
}

/** So much of code stands in the line of its call. */
const SHORT = 80;

/**
 * The first line of code that says what it does: no import and no comment, where there is another one.
 * @param {string} code
 * @returns {string}
 */
export function codeInShort(code) {
  const lines = code.split("\n", 200).map((line) => line.trim());
  const told = lines.find((line) => line && !/^(#|import\b|from\b)/.test(line)) ?? lines.find(Boolean) ?? "";
  return told.length > SHORT ? `${told.slice(0, SHORT)}…` : told;
}
