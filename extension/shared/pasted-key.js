/** An API key as people paste it: out of a curl line, an .env file, a JSON file or a web page. */

import { text } from "./text.js";

/**
 * What cannot be seen and is copied along: soft hyphens, zero-width characters, marks of direction and of byte order.
 */
const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;

/** A text without invisible characters, and without blanks around it. @param {string} pasted */
export const visible = (pasted) => pasted.replace(INVISIBLE, "").trim();

const PAIRS = new Map([
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["\u201c", "\u201d"],
  ["\u201e", "\u201c"],
  ["\u2018", "\u2019"],
  ["\u00ab", "\u00bb"],
]);
/** What may stand before a key. Each is taken off as long as something is left behind it. */
const BEFORE = [
  /^(?:export|set|setx|-H|--header)\s+/i,
  /^\$env:/i,
  // OPENAI_API_KEY=..., OPENAI_API_KEY: ...
  /^[A-Z][A-Z0-9_]{0,60}(?:KEY|TOKEN|SECRET)\s*[=:]\s*/,
  // api-key: ..., "apiKey": ..., x-api-key=...
  /^["']?(?:(?:x-)?(?:goog-)?api[-_ ]?key|(?:proxy-)?authorization|key|token)["']?\s*[:=]\s*/i,
  /^(?:bearer|api-key)\s+/i,
];
/** Taken off at most so often: `export KEY="Bearer sk-..."` has three layers. */
const LAYERS = 6;

/**
 * The key in what was pasted, or why there is none. An empty text is an empty key.
 * @param {string} pasted
 * @returns {{key: string, problem?: undefined, hint?: undefined} | {key?: undefined, problem: string, hint?: string}}
 *   `hint`: what to do.
 */
export function readKey(pasted) {
  let key = visible(pasted);
  if (/^[{[]/.test(key)) return { problem: text("key_is_json"), hint: text("key_paste_alone") };
  if (/[\r\n]/.test(key)) return { problem: text("key_many_lines"), hint: text("key_paste_alone") };
  for (let layer = 0; layer < LAYERS; layer += 1) {
    const inner = peeled(key);
    if (inner === key) break;
    key = inner;
  }
  if (/^bearer$/i.test(key)) return { problem: text("key_only_bearer") };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(key)) return { problem: text("key_is_url"), hint: text("key_paste_alone") };
  if (/\*{3}|\.{3}|\u2026|\u2022/.test(key)) {
    return { problem: text("key_masked"), hint: text("key_copy_unmasked") };
  }
  // Any non-blank printable ASCII: what a header can carry without harm.
  if (!/^[\x21-\x7e]*$/.test(key)) {
    return { problem: text("key_bad_character"), hint: text("key_copy_again") };
  }
  return { key };
}

/** What was pasted without its outermost layer. @param {string} pasted */
function peeled(pasted) {
  if (PAIRS.get(pasted[0]) === pasted.at(-1) && pasted.length > 2) return pasted.slice(1, -1).trim();
  // A comma or semicolon at the end belongs to the file, where something in quotes is before it.
  const ended = /^(.*["'])[,;]$/.exec(pasted);
  if (ended) return ended[1];
  for (const before of BEFORE) {
    const rest = pasted.replace(before, "");
    if (rest !== pasted && rest) return rest;
  }
  // One quote of a pair went with what was around the key: -H "Authorization: Bearer sk-..."
  if (/^[^"'`]+["'`]$/.test(pasted)) return pasted.slice(0, -1);
  if (/^["'`][^"'`]+$/.test(pasted)) return pasted.slice(1);
  return pasted;
}
