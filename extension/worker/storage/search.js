/**
 * The texts by which turns are found, the search index, and the snippets of what was found.
 *
 * A search finds every text that contains its words, also within other words. So the index is not one of words, but of
 * pieces of one, two and three characters. Each conversation has a bit field in which each piece sets one bit, and
 * pieces of three characters set two. The index tells at once which conversations cannot contain the words; the others
 * are searched in full. An index of words (minisearch was measured) cannot find the middle of a word. The measurements
 * are in `docs/storage.md`.
 */

import { BREAK, fold, placesOf } from "../../shared/fold.js";
import { plainText } from "../../shared/markdown/inline.js";
import { parse } from "../../shared/markdown/parse.js";
import { isUnfinished } from "../../shared/turn-status.js";

/** @import { Snippet, Turn } from "../../shared/protocol.js" */
/** @import { BlockNode } from "../../shared/markdown/parse.js" */
/** @import { InlineNode } from "../../shared/markdown/inline.js" */

const SNIPPET_BEFORE = 40;
const SNIPPET_LENGTH = 160;

/** Bits of an index: the number for a conversation of one turn, and the largest number. */
const LEAST_BITS = 2 ** 13;
const MOST_BITS = 2 ** 19;
/** With a larger share of its bits set, an index excludes too little, so it gets twice as many bits. */
const FULL = 0.2;

/**
 * The texts by which a turn is found: the message, the names of its attachments, and the answer without its reasoning.
 * While the answer grows, only the message counts, since indexing it again each second would cost too much.
 * @param {Turn} turn
 * @returns {string[]}  Without the markup of Markdown, and with {@link BREAK} between the blocks of a text.
 */
function textsOf({ user, attachments = [], status, blocks }) {
  const answers = isUnfinished(status) ? [] : blocks;
  const texts = [
    user.replaceAll(BREAK, " "),
    ...attachments.map(({ title }) => title),
    ...answers.map(({ kind, text }) => (kind === "text" ? visibleText(text) : kind === "refusal" ? text : "")),
  ];
  return texts.filter(Boolean);
}

/**
 * @param {string} markdown
 * @returns {string}
 */
function visibleText(markdown) {
  /** @type {string[]} */
  const parts = [];
  const collect = (/** @type {BlockNode} */ node) => {
    if (node.inline) {
      parts.push(plainText(node.inline));
      for (const address of addressesIn(node.inline)) parts.push(address);
    }
    if (node.text) parts.push(node.text);
    // A formula is found by its source, which is also what is copied.
    if (node.math) parts.push(node.math.tex);
    // Only definitions that nothing refers to are shown.
    if (node.href && !node.isUsed) parts.push(`[${node.name}]: ${node.href} ${node.title ?? ""}`);
    for (const child of node.children) collect(child);
  };
  for (const block of parse(markdown.replace(/\r\n?/g, "\n").replaceAll(BREAK, " "))) collect(block);
  return parts.join(BREAK);
}

/**
 * The addresses of links whose text is not their address. The page highlights such a link as a whole.
 * @param {InlineNode[]} nodes
 * @returns {string[]}
 */
function addressesIn(nodes) {
  return nodes.flatMap((node) => {
    if (!("children" in node)) return [];
    const own = node.type === "link" && !node.isBare ? [URL.parse(node.href)?.href ?? node.href] : [];
    return [...own, ...addressesIn(node.children)];
  });
}

/**
 * The first place in a turn that has one of the terms, with the text around it.
 * @param {Turn} turn
 * @param {string[]} terms  Folded.
 * @returns {Snippet | undefined}
 */
export function snippetOf(turn, terms) {
  for (const text of textsOf(turn)) {
    const places = placesOf(text, terms);
    // The rarest term tells most about the text.
    const counts = terms.map((term) => places.filter((place) => place.term === term).length);
    const least = counts.filter(Boolean).reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY);
    const rarest = terms[counts.indexOf(least)];
    const place = places.find(({ term }) => term === rarest);
    if (place) return cut(text, place.start, place.end);
  }
  return undefined;
}

/** @param {string} blocks @param {number} start @param {number} end @returns {Snippet} */
function cut(blocks, start, end) {
  const text = blocks.replaceAll(BREAK, "\n");
  const begin = Math.max(0, start - SNIPPET_BEFORE);
  const last = Math.max(begin + SNIPPET_LENGTH, end);
  // A word that would be cut through is left out, if spaces separate the words.
  const before = begin > 0 ? `…${text.slice(begin, start).replace(/^\S*\s/, "")}` : text.slice(0, start);
  const after = last < text.length ? `${text.slice(end, last).replace(/\s\S*$/, "")}…` : text.slice(end);
  return { before: inOneLine(before), hit: inOneLine(text.slice(start, end)), after: inOneLine(after) };
}

/** Puts a text on one line, without halves of surrogate pairs at its ends. @param {string} text */
function inOneLine(text) {
  return text.replace(/\p{Cs}/gu, "").replace(/\s+/g, " ");
}

// --- the index
// ------------------------------------------------------------------------------------------------------------

/**
 * The bit field of a conversation.
 * @typedef {{bits: Uint8Array<ArrayBuffer>, count: number}} Signature
 *   `count`: the number of bits that are set.
 */

/** @returns {Signature} */
export function emptySignature(size = LEAST_BITS) {
  return { bits: new Uint8Array(size / 8), count: 0 };
}

/**
 * Adds the pieces of a text to an index.
 * @param {Signature} signature  Is changed.
 * @param {string} folded
 * @returns {boolean}  False when the index has become too full. Then one of twice the size has to be made of all texts.
 */
export function addTo(signature, folded) {
  const { bits } = signature;
  const mask = bits.length * 8 - 1;
  let { count } = signature;
  const set = (/** @type {number} */ hash) => {
    const place = (hash & mask) >>> 3;
    const bit = 1 << (hash & 7);
    if ((bits[place] & bit) === 0) {
      bits[place] |= bit;
      count += 1;
    }
  };
  let two = 0;
  let one = 0;
  for (let at = 0; at < folded.length; at += 1) {
    const unit = folded.charCodeAt(at);
    set(hashOf(unit, 0, 0));
    if (at > 0) set(hashOf(one, unit, 0));
    if (at > 1) {
      const hash = hashOf(two, one, unit);
      set(hash);
      set(again(hash));
    }
    two = one;
    one = unit;
  }
  signature.count = count;
  return count < FULL * (mask + 1) || mask + 1 >= MOST_BITS;
}

/**
 * @param {string[]} texts  Folded; all of a conversation.
 * @param {number} [size]  In bits, a power of two.
 * @returns {Signature}
 */
export function signatureOf(texts, size = LEAST_BITS) {
  const signature = emptySignature(size);
  for (const text of texts) if (!addTo(signature, text)) return signatureOf(texts, 2 * size);
  return signature;
}

/**
 * Whether a conversation may contain a term. This is false for most conversations that do not contain it.
 * @param {Signature} signature
 * @param {string} term  Folded.
 */
export function mayHave({ bits }, term) {
  const mask = bits.length * 8 - 1;
  const has = (/** @type {number} */ hash) => (bits[(hash & mask) >>> 3] & (1 << (hash & 7))) !== 0;
  const [one, two] = [term.charCodeAt(0), term.charCodeAt(1)];
  if (term.length === 1) return has(hashOf(one, 0, 0));
  if (term.length === 2) return has(hashOf(one, two, 0));
  for (let at = 2; at < term.length; at += 1) {
    const hash = hashOf(term.charCodeAt(at - 2), term.charCodeAt(at - 1), term.charCodeAt(at));
    if (!has(hash) || !has(again(hash))) return false;
  }
  return true;
}

/** @param {number} one @param {number} two @param {number} three  Code units of a text; 0 for none. */
function hashOf(one, two, three) {
  let hash = Math.imul(one, 0x9e3779b1) ^ Math.imul(two + 1, 0x85ebca6b) ^ Math.imul(three + 2, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/**
 * The second bit of a piece. Without it, a fifth of all conversations would pass for a word of three letters.
 * @param {number} hash
 */
function again(hash) {
  const other = Math.imul(hash, 0x9e3779b1);
  return other ^ (other >>> 16);
}

/** @param {Turn} turn */
export function foldedTextOf(turn) {
  return fold(textsOf(turn).join(BREAK));
}
