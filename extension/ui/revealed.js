/**
 * Text that a user decides about, with a visible name for every character that is invisible or looks like another one.
 */

import { language, plural } from "../shared/text.js";

/** The flags of England, Scotland and Wales are written in characters that are not seen. */
const FLAG =
  /\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}/u;
/**
 * What joins or parts two signs that are seen, as emoji, Arabic and Indic writing demand: one at a time, and only where
 * it changes what is seen.
 */
const JOINING = [
  /(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]/u,
  /(?<=[\d#*])\ufe0f(?=\u20e3)/u,
  /(?<=\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}]?)\u200d(?=\p{Extended_Pictographic})/u,
  /(?<=(?=\p{sc=Arabic})\p{L}\p{M}?)\u200c(?=(?=\p{sc=Arabic})\p{L})/u,
  /(?<=[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca])[\u200c\u200d]/u,
  /(?<=\u09b0)\u200d(?=\u09cd)/u,
];
/**
 * What is drawn as nothing or as blank, turns the order of others or has no form of its own, other than space, tab and
 * line feed: controls, format characters, blanks, private and unassigned ones, and marks beyond the fourth upon a
 * letter, which cover the lines around them.
 */
const UNSEEN = new RegExp(
  `(${FLAG.source})|(?:(?![ \\n\\t]|${JOINING.map(({ source }) => source).join("|")})` +
    String.raw`(?:[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{16fe4}\u{1d159}]|(?<=\p{M}{4})\p{M}))+`,
  "gu",
);
/** A longer row of different ones is counted, or their names would push the rest out of view. */
const MOST_NAMED = 8;
const number = new Intl.NumberFormat(language());

/**
 * The text with a name in the place of each character that is not seen, and their count where one follows itself:
 * ⟨U+00A0 × 4,000⟩. To Python a carriage return ends a line.
 * @param {string} text
 * @returns {string}
 */
export function revealed(text) {
  return text.replaceAll("\r\n", "\n").replace(UNSEEN, (row, flag) => flag ?? namesOf(row));
}

/**
 * Whether a text names characters that are not seen: what {@link revealed} has made.
 * @param {string} shown
 */
export function namesCharacters(shown) {
  return /⟨[^⟨⟩]*U\+[\dA-F]{4,6}/.test(shown);
}

/**
 * How many characters of a text are not seen.
 * @param {string} text
 */
export function countUnseen(text) {
  let count = 0;
  for (const [row, flag] of text.replaceAll("\r\n", "\n").matchAll(UNSEEN)) if (!flag) count += [...row].length;
  return count;
}

/** @param {string} row */
function namesOf(row) {
  const end = row.includes("\r") ? "\n" : "";
  const same = row.match(/(.)\1*/gsu) ?? [];
  if (same.length > MOST_NAMED) {
    const names = same.slice(0, 2).map(nameOf).join(", ");
    return `⟨${plural("invisible_characters", [...row].length, names)}⟩${end}`;
  }
  const names = same.map((characters) => {
    const count = [...characters].length;
    return `⟨${nameOf(characters)}${count > 1 ? ` × ${number.format(count)}` : ""}⟩`;
  });
  return names.join("") + end;
}

/** @param {string} text */
function nameOf(text) {
  const code = /** @type {number} */ (text.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
  return `U+${code}`;
}

/** Letters of other alphabets that are drawn as Latin ones are. */
const LATIN_LOOKING =
  /[\u0131\u0251\u0261\u0391\u0392\u0395-\u039a\u039c-\u03a1\u03a4\u03a5\u03a7\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c-\u041e\u0420-\u0423\u0425\u0430\u0435\u043a\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04ae\u04af\u04bb\u04c0\u04cf\u0501\u051b\u051d\u0555\u0561\u0570\u0578\u057d\u0581\u0585\u13a0-\u13f5]/u;
const MOST_LOOK_ALIKES = 3;

/**
 * Finds the words that are Latin in part and hold letters that pass for Latin ones (`p\u0430ypal`), or that a program
 * reads as Latin ones (`\uff45\uff56\uff41\uff4c`), each once.
 * @param {string} text
 * @returns {string[]}  At most three, the letters' names in them.
 */
export function lookAlikes(text) {
  /** @type {Set<string>} */
  const found = new Set();
  const known = new Set();
  for (const [match] of text.matchAll(/[\p{L}\p{N}_.-]{1,100}/gu)) {
    if (found.size === MOST_LOOK_ALIKES) break;
    if (/^[\x20-\x7e]*$/.test(match) || known.has(match)) continue;
    known.add(match);
    const word = mixedPart(match);
    if (!/[A-Za-z]/.test(word.normalize("NFKC"))) continue;
    const named = word.replace(/[^\x20-\x7e]/gu, (letter) => (passesForLatin(letter) ? `⟨${nameOf(letter)}⟩` : letter));
    if (named !== word) found.add(named.length > 60 ? `${named.slice(0, 60)}…` : named);
  }
  return [...found];
}

/**
 * A word without those of its parts that are plainly of another alphabet, as in "API-\u043a\u043b\u044e\u0447", or a
 * sign of mathematics, as in "\u03c1_air". A word with a full stop in it may be a host, which is judged as a whole; so
 * is one with a Turkish \u0131 in it.
 * @param {string} match
 */
function mixedPart(match) {
  const word = match.replace(/^[.-]+|[.-]+$/g, "");
  if (word.includes(".")) return word;
  return word
    .replaceAll("\u0131", "i")
    .split(/(?<=[_-])/)
    .filter((part) => !/^\p{sc=Greek}\d*[_-]?$/u.test(part) && !isOfAnotherAlphabet(part))
    .join("");
}

/** @param {string} part  Of a word. */
function isOfAnotherAlphabet(part) {
  if (/[A-Za-z]/.test(part.normalize("NFKC"))) return /^.$/u.test(part);
  return [...part].some((letter) => /\p{L}/u.test(letter) && !passesForLatin(letter));
}

/** @param {string} letter */
function passesForLatin(letter) {
  // A superscript is seen as one, and is part of no name.
  if (/[\p{No}\u00aa\u00ba]/u.test(letter)) return false;
  return LATIN_LOOKING.test(letter) || /^[\x20-\x7e]+$/.test(letter.normalize("NFKC"));
}
