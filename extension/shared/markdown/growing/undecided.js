/**
 * Marks at the end of a text whose meaning the next characters decide. They are not drawn until then.
 */

import { TAG_NAMES } from "../html.js";

/** A last line that may yet become anything: a list, a rule, a heading's underline, a table's. */
const UNDECIDED_LINE = /^[ \t>]*(?:[-*+_=#`~|: \t]+|\d{1,9}[.)]?[ \t]*|(?:`{3,}|~{3,})[^`]*|\\|\$\$?|<!?-?-?)$/;

/** Marks at the end of a text that the next character decides. */
const UNDECIDED_END = /(?:[*_~`]+|!?\[|!|\\|\$+|<\/?|&#?[a-zA-Z0-9]{0,31})$/;
const PART_OF_TAG = /<\/?([a-zA-Z]+)(?:\s[^<>]*)?\/?$/;

/**
 * Whether what a last line is depends on what follows it.
 * @param {string} line
 * @returns {boolean}
 */
export function isUndecided(line) {
  return UNDECIDED_LINE.test(line);
}

/**
 * The text without the marks at its end whose meaning the next characters decide.
 * @param {string} text
 * @param {boolean} isFirst  It begins a block, where more is undecided: an alert's kind, a check box, a definition.
 * @returns {string}
 */
export function decided(text, isFirst) {
  if (isFirst && /^(?:\[[ xX]?\]?|\[![a-zA-Z]*\]?|\[\^?[^\s[\]]{0,50}(?:\]:?\s*)?)$/.test(text)) return "";
  // A longer run of marks has no meaning, so only the end is looked at.
  const from = Math.max(0, text.length - 300);
  let end = text.slice(from);
  for (;;) {
    let cut = UNDECIDED_END.exec(end)?.index ?? end.length;
    const tag = PART_OF_TAG.exec(end);
    if (tag && isPartOfTag(tag[1].toLowerCase(), tag[0])) cut = Math.min(cut, tag.index);
    cut = Math.min(cut, /\[\^[^\s[\]]{0,50}\]?$/.exec(end)?.index ?? cut);
    if (cut === end.length) return text.slice(0, from) + end;
    end = end.slice(0, cut);
  }
}

/**
 * Whether this is the beginning of a tag that shapes text, or such a tag whose end is missing.
 * @param {string} name
 * @param {string} tag
 */
function isPartOfTag(name, tag) {
  const isWhole = /[\s/]$|\s/.test(tag.slice(1 + name.length + (tag[1] === "/" ? 1 : 0)));
  return isWhole ? TAG_NAMES.includes(name) : TAG_NAMES.some((known) => known.startsWith(name));
}
