/**
 * Addresses in the text. Where one ends is decided for prose in every script: before white space, quotation marks,
 * fullwidth punctuation, a script without spaces that follows a Latin word, and the punctuation of the sentence. What
 * is linked is exactly what is visible.
 */

/** @import {MarkdownIt, StateInline} from "../../vendor/markdown-it.js" */

const UNSPACED =
  "\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Hangul}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}";
/** No address continues after one of these; `~~` and `**` close what surrounds it. */
const STOP =
  /[\s\p{Cc}<>"`\\^{|}\u00ab\u00bb\u2018-\u201f\u2026\u2014\u3000-\u3004\u3008-\u3020\u3030\u30fb\ufe10-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]|\*\*|~~|\$\$/u;
const HOST =
  /^(?:\[[0-9a-fA-F:.]+\]|[\p{L}\p{N}\p{M}](?:[\p{L}\p{N}\p{M}_-]*[\p{L}\p{N}\p{M}])?(?:\.[\p{L}\p{N}\p{M}](?:[\p{L}\p{N}\p{M}_-]*[\p{L}\p{N}\p{M}])?)*\.?)(?::\d{1,5})?(?=[/?#]|$)/u;
const LONGEST = 4000;

const TERMINATORS = "\\n!#$%&*+\\-:<=>@[\\\\\\]^_`{}~";
/** Text up to a character that may mean something, or to `www.`. */
const PLAIN = new RegExp(`(?:[^${TERMINATORS}wW]|[wW](?!ww\\.)|(?<=[A-Za-z0-9])[wW])+`, "iy");

/** @param {MarkdownIt} markdown */
export function linkRules(markdown) {
  markdown.inline.ruler.at("text", text);
  markdown.inline.ruler.at("linkify", address);
  for (const name of ["link", "image"]) {
    const { ruler } = markdown.inline;
    ruler.at(name, bounded(ruler.__rules__[ruler.__find__(name)].fn));
  }
}

/**
 * At most this number of characters is read to find the ends of all brackets of a text; the other brackets are plain
 * text.
 */
const MOST_READ = 20_000_000;

/**
 * Finding the end of a bracket takes reading to the end of the text.
 * @param {(state: StateInline, silent: boolean) => boolean} rule
 * @returns {(state: StateInline, silent: boolean) => boolean}
 */
function bounded(rule) {
  return (state, silent) => {
    const { cache, src } = state;
    cache.lastBracket ??= isReadable(src) ? src.lastIndexOf("]") : -1;
    if (state.pos >= cache.lastBracket) return false;
    if (!silent) noteUse(state);
    return rule(state, silent);
  };
}

const REFERENCE = /!?\[([^[\]]{1,300})\](?:\[([^[\]]{1,200})\])?/y;

/**
 * Notes what may refer to a definition, which may arrive later.
 * @param {StateInline} state
 */
function noteUse({ env, md, pos, src }) {
  REFERENCE.lastIndex = pos;
  const found = REFERENCE.exec(src);
  // `[1]` cites: the source that it names stays in sight.
  if (!found || (!found[2] && /^\s*\d+\s*$/.test(found[1]))) return;
  const next = src[REFERENCE.lastIndex];
  if (env.isLastInline && !found[2] && (next === undefined || next === "[")) return;
  env.noted.push(md.utils.normalizeReference(found[2] ?? found[1]));
}

/** @param {string} src */
function isReadable(src) {
  return src.length < 4_000 || (src.split("[").length - 1) * src.length < MOST_READ;
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 */
function text(state, silent) {
  PLAIN.lastIndex = state.pos;
  const found = PLAIN.exec(state.src);
  if (!found) return false;
  const piece = found[0].slice(0, state.posMax - state.pos);
  if (!silent) state.pending += piece;
  state.pos += piece.length;
  return true;
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 */
function address(state, silent) {
  if (state.linkLevel > 0) return false;
  const { src, pos } = state;
  const character = src[pos];
  if (character === ":") return src.startsWith("://", pos) && schemeAddress(state, silent);
  if (character === "w" || character === "W") {
    const url = readAddress(src, pos, pos, state.posMax);
    return url.split(/[/?#]/, 1)[0].split(".").length > 2 && push(state, silent, url, `http://${url}`, 0);
  }
  return character === "@" && mail(state, silent);
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 */
function schemeAddress(state, silent) {
  const { src, pos } = state;
  const scheme = /(?<![A-Za-z0-9+.-])https?$/i.exec(src.slice(Math.max(0, pos - 6), pos));
  if (!scheme || state.pending.length < scheme[0].length) return false;
  const start = pos - scheme[0].length;
  const url = readAddress(src, start, pos + 3, state.posMax);
  return url !== "" && push(state, silent, url, url, scheme[0].length);
}

/**
 * @param {string} src
 * @param {number} start
 * @param {number} hostStart
 * @param {number} max
 * @returns {string}  Empty where no address is.
 */
function readAddress(src, start, hostStart, max) {
  let rest = src.slice(hostStart, Math.min(max, hostStart + LONGEST));
  const stop = rest.search(STOP);
  if (stop >= 0) rest = rest.slice(0, stop);
  rest = rest.slice(0, endInHost(rest));
  // A segment of a path may be written in any script: /wiki/中文.
  rest = rest.slice(0, endInPath(rest));
  rest = withoutPunctuation(rest);
  const host = HOST.exec(rest);
  // A name before an @ looks like the host and is not: that stays text.
  if (!host) return "";
  const url = src.slice(start, hostStart) + rest;
  return URL.canParse(url.includes("://") ? url : `http://${url}`) ? url : "";
}

/**
 * Where a host ends that a sentence in another script follows: `example.com次`.
 * @param {string} rest
 */
function endInHost(rest) {
  const length = rest.search(/[/?#]|$/);
  const found = new RegExp(
    `^[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*\\.(?:[A-Za-z]{2,}|\\d+)(?::\\d+)?(?=[${UNSPACED}])`,
    "u",
  ).exec(rest.slice(0, length));
  const local = found ?? new RegExp(`^localhost(?::\\d+)?(?=[${UNSPACED}])`, "u").exec(rest);
  return local ? local[0].length : rest.length;
}

/** @param {string} rest */
function endInPath(rest) {
  const path = rest.search(/[/?#]/);
  if (path < 0) return rest.length;
  const found = new RegExp(`(?<=[A-Za-z0-9])[${UNSPACED}]`, "u").exec(rest.slice(path));
  return found ? path + found.index : rest.length;
}

/**
 * Without what belongs to the sentence: punctuation at the end, and brackets that were not opened within.
 * @param {string} rest
 */
function withoutPunctuation(rest) {
  let end = rest.length;
  const count = (/** @type {string} */ character) => rest.slice(0, end).split(character).length - 1;
  const round = count(")") - count("(");
  const square = count("]") - count("[");
  let extraRound = round;
  let extraSquare = square;
  for (; end > 0; end--) {
    const last = rest[end - 1];
    if (last === ")" && extraRound > 0) extraRound -= 1;
    else if (last === "]" && extraSquare > 0) extraSquare -= 1;
    else if (last === "(") extraRound += 1;
    else if (last === "[") extraSquare += 1;
    else if (last === ";") {
      const entity = /&[a-zA-Z]{2,8};$/.exec(rest.slice(Math.max(0, end - 10), end));
      if (entity) end -= entity[0].length - 1;
    } else if (!/[.,:!?'*_~$&–]/.test(last)) break;
  }
  return rest.slice(0, end);
}

const LOCAL_PART = /[A-Za-z0-9][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,63}$/;
const DOMAIN =
  /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.[A-Za-z]{2,}(?![A-Za-z0-9_-])/;

/**
 * @param {StateInline} state
 * @param {boolean} silent
 */
function mail(state, silent) {
  const { src, pos } = state;
  const local = LOCAL_PART.exec(src.slice(Math.max(0, pos - 64), pos));
  // Part of it is text already where it has a mark of Markdown in it, and half an address is another address.
  if (
    !local ||
    state.pending.length < local[0].length ||
    /[A-Za-z0-9./:+_-]/.test(src[pos - local[0].length - 1] ?? " ")
  )
    return false;
  const domain = DOMAIN.exec(src.slice(pos + 1, Math.min(state.posMax, pos + 255)));
  if (!domain) return false;
  const written = `${local[0]}@${domain[0]}`;
  return push(state, silent, written, `mailto:${written}`, local[0].length);
}

/**
 * @param {StateInline} state
 * @param {boolean} silent
 * @param {string} written  The address in the text.
 * @param {string} href
 * @param {number} before  How much of it has been read as text.
 */
function push(state, silent, written, href, before) {
  if (!silent) {
    if (before > 0) state.pending = state.pending.slice(0, -before);
    const open = state.push("link_open", "a", 1);
    open.attrs = [["href", href]];
    open.info = "auto";
    state.push("text", "", 0).content = written;
    state.push("link_close", "a", -1);
  }
  state.pos += written.length - before;
  return true;
}
