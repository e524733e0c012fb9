/**
 * Folds text for searching: differences of case, accents, width and invisible characters are removed, so that a search
 * finds every spelling of a word. The search index, the snippets of the list and the highlights in the panel all use
 * these rules.
 */

/** Separates the blocks of a text. No match reaches across it. */
export const BREAK = "\u001e";

/**
 * Vowel points, accents and variation selectors, which people often leave out. The vowel signs of other scripts are
 * letters and stay.
 */
const POINTS =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: decomposition leaves each of these by itself.
  /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f]/g;

/** Soft hyphens, joiners and marks of direction, which nobody sees or types. */
const INVISIBLE =
  "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff";

const REST = `[^\\S ]\\s*| \\s+|[${INVISIBLE}]+|[\\u1100-\\u11ff\\ua960-\\ua97f\\ud7b0-\\ud7ff]+|[^\\0-\\x7f\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7a3]`;
const MARKS = "[\\p{M}\\uff9e\\uff9f]";
/**
 * Matches what folding may change by more than its case: white space, invisible characters, Hangul letters that are
 * written in parts, and everything else but ASCII, kana, Han and Hangul. Looking for combining marks takes most of the
 * time, and few texts have any, so there is a faster pattern without them.
 */
const CHANGING = new RegExp(REST, "gu");
const CHANGING_WITH_MARKS = new RegExp(`.${MARKS}+|${REST}`, "gsu");
const HAS_MARKS = new RegExp(MARKS, "u");
const WHITE = /^\s/;
const IS_INVISIBLE = new RegExp(`^[${INVISIBLE}]`);
const KANA_OR_HANGUL = /[\u3040-\u30ff\u1100-\u11ff\uac00-\ud7a3]/;

/** Letters that Unicode does not decompose, and punctuation that keyboards and typography write differently. */
const ALIKE = new Map(
  Object.entries({
    ß: "ss",
    æ: "ae",
    œ: "oe",
    ø: "o",
    đ: "d",
    ł: "l",
    ħ: "h",
    ı: "i",
    ς: "σ",
    ى: "ي",
    ی: "ي",
    ک: "ك",
    ة: "ه",
    ٱ: "ا",
    "‘": "'",
    "’": "'",
    "‚": "'",
    "‛": "'",
    "′": "'",
    "“": '"',
    "”": '"',
    "„": '"',
    "‟": '"',
    "″": '"',
    "‐": "-",
    "‑": "-",
    "‒": "-",
    "–": "-",
    "—": "-",
    "−": "-",
  }),
);

/** @type {Map<string, string>} */
const known = new Map();
const MAX_KNOWN = 4_000;

/**
 * @param {string} text
 * @returns {string}  The same for all texts that a search treats as equal.
 */
export function fold(text) {
  return text.replace(changingIn(text), foldOne).toLowerCase();
}

/**
 * @param {string} text
 * @returns {{folded: string, starts: Uint32Array, ends: Uint32Array}}  For each code unit of the folded text, the start
 *   and the end of its source in `text`.
 */
export function foldWithPlaces(text) {
  const parts = [];
  // Most folded texts are not longer than their source, but a single letter may become up to 18.
  let starts = new Uint32Array(text.length + 64);
  let ends = new Uint32Array(text.length + 64);
  let length = 0;
  const add = (/** @type {number} */ from, /** @type {number} */ to) => {
    if (length === starts.length) {
      const [moreStarts, moreEnds] = [new Uint32Array(2 * length), new Uint32Array(2 * length)];
      moreStarts.set(starts);
      moreEnds.set(ends);
      [starts, ends] = [moreStarts, moreEnds];
    }
    starts[length] = from;
    ends[length] = to;
    length += 1;
  };
  let at = 0;
  const plain = (/** @type {number} */ to) => {
    parts.push(text.slice(at, to).toLowerCase());
    for (; at < to; at += 1) add(at, at + 1);
  };
  for (const { 0: part, index } of text.matchAll(changingIn(text))) {
    plain(index);
    at = index + part.length;
    const one = foldOne(part);
    parts.push(one);
    for (let unit = 0; unit < one.length; unit += 1) add(index, at);
  }
  plain(text.length);
  return { folded: parts.join(""), starts, ends };
}

/** @param {string} text */
function changingIn(text) {
  return HAS_MARKS.test(text) ? CHANGING_WITH_MARKS : CHANGING;
}

/** @param {string} part  One match of {@link CHANGING}. */
function foldOne(part) {
  let folded = known.get(part);
  if (folded !== undefined) return folded;
  folded = foldPart(part);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(part, folded);
  return folded;
}

/** @param {string} part */
function foldPart(part) {
  if (part === BREAK) return BREAK;
  if (WHITE.test(part)) return " ";
  if (IS_INVISIBLE.test(part)) return "";
  const lower = part.normalize("NFKC").toLowerCase();
  // Kana keep their voicing marks and Hangul its syllables. И and й are different letters in every dictionary.
  if (KANA_OR_HANGUL.test(lower) || lower === "й") return lower;
  const bare = lower.normalize("NFD").replace(POINTS, "").normalize("NFC");
  return bare.replace(/[^\0-\x7f]|\s+/g, (unit) => ALIKE.get(unit) ?? digit(unit));
}

/** Arabic and Persian digits become ASCII digits. @param {string} unit */
function digit(unit) {
  const code = unit.charCodeAt(0);
  if (code >= 0x660 && code <= 0x669) return String(code - 0x660);
  if (code >= 0x6f0 && code <= 0x6f9) return String(code - 0x6f0);
  return unit;
}

/** In characters of a query. Each of its words is searched for in every text, and nobody types more. */
const LONGEST_QUERY = 1_000;
const MOST_TERMS = 50;

/**
 * The terms of a query: each of its words, and each phrase in quotes as a whole.
 * @param {string} query
 * @returns {string[]}  Folded, without duplicates.
 */
export function termsOf(query) {
  const found = query
    .slice(0, LONGEST_QUERY)
    .replace(/[“”„‟]/g, '"')
    .matchAll(/(?<!\S)"([^"]+)(?:"(?!\S)|$)|\S+/g);
  const terms = [...found].map(([all, phrase]) => fold((phrase ?? all).replaceAll(BREAK, "")).trim());
  return [...new Set(terms)].filter(Boolean).slice(0, MOST_TERMS);
}

/** @typedef {{start: number, end: number, term: string}} Place  Offsets in a text, and the term that is there. */

/**
 * Finds the places of some terms in a text.
 * @param {string} text
 * @param {string[]} terms  Folded.
 * @returns {Place[]}  In the order of the text. Of places that overlap, only the first and longest is returned.
 */
export function placesOf(text, terms) {
  const { folded, starts, ends } = foldWithPlaces(text);
  const found = [];
  for (const term of terms) {
    for (let at = folded.indexOf(term); at >= 0; at = folded.indexOf(term, at + term.length)) {
      found.push({ start: starts[at], end: ends[at + term.length - 1], term });
    }
  }
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  let last = 0;
  return found.filter(({ start, end }) => {
    if (start < last) return false;
    last = end;
    return true;
  });
}
