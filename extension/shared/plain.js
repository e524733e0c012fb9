/** Values from files and from the store, before anything else is done with them. Nothing here recurses. */

/** Values inside of values. What models, tools and pages give has a few levels; what reads it may recurse. */
const DEEPEST = 128;

/** The last date there is. */
const LATEST = 8.64e15;
/** No count of tokens or milliseconds is larger, and sums of them stay exact. */
const LARGEST_COUNT = 1e12;
const LONGEST_ID = 500;

/** @param {unknown} value @returns {value is string} */
export const isText = (value) => typeof value === "string";
/** @param {unknown} value @returns {value is string}  An empty text is none. */
export const hasText = (value) => isText(value) && value !== "";
/** @param {unknown} value @returns {value is string} */
export const isId = (value) => hasText(value) && value.length <= LONGEST_ID;
/** @param {unknown} value @returns {value is boolean} */
export const isFlag = (value) => typeof value === "boolean";
/** @param {any} value @returns {value is Record<string, any>} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {unknown} value @returns {value is number}  -0 is none. */
export const isCount = (value) =>
  Number.isInteger(value) &&
  /** @type {number} */ (value) <= LARGEST_COUNT &&
  Object.is(Math.abs(/** @type {number} */ (value)), value);
/** @param {unknown} value @returns {value is number}  Unix time in milliseconds. */
export const isTime = (value) =>
  Number.isInteger(value) &&
  /** @type {number} */ (value) <= LATEST &&
  Object.is(Math.abs(/** @type {number} */ (value)), value);
/** @param {unknown} value */
export const isCounts = (value) => isObject(value) && Object.values(value).every(isCount);

/**
 * Whether a value has no more levels than whoever reads it can take.
 * @param {unknown} value
 * @param {number} [deepest]
 */
export function isShallow(value, deepest = DEEPEST) {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) return false;
    const below = [];
    for (const each of level) {
      if (typeof each !== "object" || each === null) continue;
      for (const inner of Object.values(each)) if (typeof inner === "object" && inner !== null) below.push(inner);
    }
    level = below;
  }
  return true;
}

/**
 * Makes what was read from a file plain, in place: texts without halves of characters, which Python cannot write, and
 * no field under the name of an object's prototype.
 * @param {unknown} value  As `JSON.parse` gives it.
 */
export function makePlain(value) {
  const rest = [value];
  while (rest.length > 0) {
    const holder = /** @type {Record<string, any> | any[]} */ (rest.pop());
    if (typeof holder !== "object" || holder === null) continue;
    for (const [name, inner] of Object.entries(holder)) {
      if (name === "__proto__" || !name.isWellFormed()) delete (/** @type {any} */ (holder)[name]);
      else if (typeof inner === "object") rest.push(inner);
      else if (typeof inner === "string" && !inner.isWellFormed())
        /** @type {any} */ (holder)[name] = inner.toWellFormed();
    }
  }
}
