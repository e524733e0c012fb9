/** How conversations are named and found: titles, the words of a turn, and the place where one of them stands. */

/** @import { Snippet, Turn } from "../protocol.js" */

const TITLE_LENGTH = 80;
/** Of one turn, so that an answer that is a list of words does not fill the index. */
const MAX_WORDS = 2_000;
/** What is longer is not typed into a search box. */
const MAX_WORD_LENGTH = 40;
const SNIPPET_BEFORE = 40;
const SNIPPET_LENGTH = 160;

const UNDER_WAY = ["queued", "running", "reconnecting"];

const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

/**
 * The title that a conversation has until the user gives it one.
 * @param {string} text  Its first message.
 */
export function titleOf(text) {
  const line = text
    .trim()
    .split(/[\r\n]/, 1)[0]
    .replace(/\s+/g, " ");
  if (line.length <= TITLE_LENGTH) return line;
  const cut = line
    .slice(0, TITLE_LENGTH)
    .toWellFormed()
    .replace(/\uFFFD$/, "");
  return `${cut.replace(/\s+\S{0,20}$/, "")}…`;
}

/**
 * The title of a conversation that begins with a turn: of a message without words, what is attached.
 * @param {Pick<Turn, "user" | "attachments">} turn
 */
export function titleOfTurn({ user, attachments }) {
  return titleOf(user.trim() ? user : (attachments?.[0]?.title ?? ""));
}

/**
 * The different words of a text, in lower case.
 * @param {string} text
 * @returns {string[]}  At most {@link MAX_WORDS}.
 */
export function wordsOf(text) {
  const words = new Set();
  for (const { segment, isWordLike } of segmenter.segment(text.normalize("NFKC"))) {
    if (!isWordLike) continue;
    words.add(segment.toLowerCase().slice(0, MAX_WORD_LENGTH));
    if (words.size === MAX_WORDS) break;
  }
  return [...words];
}

/**
 * What a turn is found by: the message, the names of what is attached, and what was answered, but not what was thought. While the answer grows, by the message alone:
 * to index it anew each second would cost more than it gives.
 * @param {Turn} turn
 */
export function wordsOfTurn(turn) {
  const isUnderWay = UNDER_WAY.includes(turn.status);
  return wordsOf((isUnderWay ? questionOf(turn) : textsOf(turn)).join("\n"));
}

/** @param {Turn} turn */
function questionOf({ user, attachments = [] }) {
  return [user, ...attachments.map(({ title }) => title)];
}

/** @param {Turn} turn */
function textsOf(turn) {
  const answers = turn.blocks.filter(({ kind }) => kind === "text" || kind === "refusal");
  return [...questionOf(turn), ...answers.map(({ text }) => text)];
}

/**
 * The first place in a turn where a word begins with one of `words`, with what stands around it.
 * @param {Turn} turn
 * @param {string[]} words  In lower case.
 * @returns {Snippet | undefined}
 */
export function snippetOf(turn, words) {
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.map(literally).join("|")})`, "iu");
  for (const text of textsOf(turn)) {
    const found = pattern.exec(text);
    if (found) return cut(text, found.index, found[0].length);
  }
  return undefined;
}

/** @param {string} text */
function literally(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** @param {string} text @param {number} at @param {number} length @returns {Snippet} */
function cut(text, at, length) {
  const begin = Math.max(0, at - SNIPPET_BEFORE);
  const end = at + length;
  const inOneLine = (/** @type {string} */ part) => part.toWellFormed().replace(/\s+/g, " ");
  // A word that the cut goes through is left out.
  const before = begin > 0 ? `…${text.slice(begin, at).replace(/^\S*\s/, "")}` : text.slice(0, at);
  const last = begin + SNIPPET_LENGTH;
  const after = last < text.length ? `${text.slice(end, last).replace(/\s\S*$/, "")}…` : text.slice(end);
  return {
    before: inOneLine(before),
    hit: inOneLine(text.slice(at, end)),
    after: inOneLine(after),
  };
}
