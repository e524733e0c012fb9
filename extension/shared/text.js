/**
 * The texts that users see. All of them are in one catalogue, `_locales/en/messages.json`; `chrome.i18n` picks the
 * language.
 */

/** @typedef {keyof typeof import("../_locales/en/messages.json")} MessageKey */
/**
 * A key that has a message for each plural category that the catalogue's language knows: `minutes` stands for
 * `minutes_one` and `minutes_other`.
 * @typedef {MessageKey extends infer K ? K extends `${infer Base}_other` ? Base : never : never} PluralKey
 */

/**
 * @param {MessageKey} key
 * @param {...(string | number)} values  What stands in place of the message's placeholders, in their order. Numbers are
 *   written as the language writes them.
 * @returns {string}
 */
export function text(key, ...values) {
  const message = chrome.i18n.getMessage(key, values.map(written));
  // A missing message is a fault of the build; its key says more than nothing.
  return message || key;
}

/**
 * A message that depends on a number.
 * @param {PluralKey} key
 * @param {number} count  Also the first of the message's values.
 * @param {...(string | number)} values  The others.
 * @returns {string}
 */
export function plural(key, count, ...values) {
  const category = pluralRules().select(count);
  const message = chrome.i18n.getMessage(`${key}_${category}`, [count, ...values].map(written));
  return message || text(/** @type {MessageKey} */ (`${key}_other`), count, ...values);
}

/**
 * The language in which the catalogue that Chrome has picked is written: numbers and dates follow it.
 * @returns {string}
 */
export function language() {
  return chrome.i18n.getMessage("language") || "en";
}

/**
 * Several values in a row, as the language writes it.
 * @param {readonly string[]} values
 * @param {"unit" | "conjunction"} [type]  "a, b" or "a and b".
 */
export function list(values, type = "unit") {
  return new Intl.ListFormat(language(), { type, style: type === "unit" ? "short" : "long" }).format(values);
}

/** @param {string | number} value */
function written(value) {
  return typeof value === "number" ? value.toLocaleString(language()) : value;
}

/** @type {Intl.PluralRules | undefined} */
let rules;

function pluralRules() {
  rules ??= new Intl.PluralRules(language());
  return rules;
}
