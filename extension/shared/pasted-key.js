/** An API key as people paste it: out of a curl line, an .env file, a JSON file or a web page. */

/**
 * What cannot be seen and is copied along: soft hyphens, zero-width characters, marks of direction and of byte order.
 */
const INVISIBLE = /[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;

/** A text without what cannot be seen, within and around it. @param {string} text */
export const visible = (text) => text.replace(INVISIBLE, "").trim();

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
const ALONE = "Paste the key alone.";

/**
 * The key in what was pasted, or why there is none. An empty text is an empty key.
 * @param {string} text
 * @returns {{key: string, problem?: undefined, hint?: undefined} | {key?: undefined, problem: string, hint?: string}}
 *   `hint`: what to do.
 */
export function readKey(text) {
  let key = visible(text);
  if (/^[{[]/.test(key)) return { problem: "It is a JSON text, not a key.", hint: ALONE };
  if (/[\r\n]/.test(key)) return { problem: "It holds several lines.", hint: ALONE };
  for (let layer = 0; layer < LAYERS; layer += 1) {
    const inner = peeled(key);
    if (inner === key) break;
    key = inner;
  }
  if (/^bearer$/i.test(key)) return { problem: "There is no key behind “Bearer”." };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(key)) return { problem: "It is a web address, not a key.", hint: ALONE };
  if (/\*{3}|\.{3}|\u2026|\u2022/.test(key))
    return { problem: "A part of it is masked with dots or stars.", hint: "Copy the key where it is shown whole." };
  // Any non-blank printable ASCII: what a header can carry without harm.
  if (!/^[\x21-\x7e]*$/.test(key))
    return {
      problem: "It holds a blank or a character that no key has.",
      hint: "Copy the key again, without anything around it.",
    };
  return { key };
}

/** The text without its outermost layer. @param {string} text */
function peeled(text) {
  if (PAIRS.get(text[0]) === text.at(-1) && text.length > 2) return text.slice(1, -1).trim();
  // A comma or semicolon at the end belongs to the file, where something in quotes is before it.
  const ended = /^(.*["'])[,;]$/.exec(text);
  if (ended) return ended[1];
  for (const before of BEFORE) {
    const rest = text.replace(before, "");
    if (rest !== text && rest) return rest;
  }
  // One quote of a pair went with what was around the key: -H "Authorization: Bearer sk-..."
  if (/^[^"'`]+["'`]$/.test(text)) return text.slice(0, -1);
  if (/^["'`][^"'`]+$/.test(text)) return text.slice(1);
  return text;
}
