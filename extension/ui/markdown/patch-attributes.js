/**
 * Attributes and styles on the page, changed only where they differ.
 */

/**
 * @typedef {Record<string, string | number | boolean | null | undefined>} Attributes  `true` is an empty one; `false`,
 *   `null` and `undefined` are none.
 */

/**
 * @param {Element} element
 * @param {Attributes} [last]
 * @param {Attributes} [next]
 */
export function patchAttributes(element, last = {}, next = {}) {
  if (last === next) return;
  for (const name in next) {
    const value = attributeOf(next, name);
    if (value === attributeOf(last, name)) continue;
    if (value === null) element.removeAttribute(name);
    else element.setAttribute(name, value);
  }
  for (const name in last) if (!(name in next) && attributeOf(last, name) !== null) element.removeAttribute(name);
}

/**
 * Sets styles property by property, which a policy against inline styles allows.
 * @param {Element} element
 * @param {Record<string, string>} [last]
 * @param {Record<string, string>} [next]
 */
export function patchStyle(element, last = {}, next = {}) {
  if (last === next) return;
  const { style } = /** @type {HTMLElement} */ (element);
  for (const name in next) if (next[name] !== last[name]) style.setProperty(name, next[name]);
  for (const name in last) if (!(name in next)) style.removeProperty(name);
}

/**
 * What the attribute is in the page; null when it is not set.
 * @param {Attributes} attributes
 * @param {string} name
 * @returns {string | null}
 */
export function attributeOf(attributes, name) {
  const value = attributes[name];
  if (value === undefined || value === null || value === false) return null;
  return value === true ? "" : String(value);
}
