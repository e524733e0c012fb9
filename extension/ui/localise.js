/** Puts the catalogue's texts into a page's own HTML. */

import { language, text } from "../shared/text.js";

/** @import { MessageKey } from "../shared/text.js" */

/** The attributes that may hold a text, and where each one's key stands. */
const ATTRIBUTES = ["title", "aria-label", "placeholder", "alt"];

/**
 * Fill in `data-text="key"` (the element's text) and `data-text-title`, `data-text-aria-label`, ... (its attributes)
 * below a node. Called once, before the page is shown; what is made later by code asks `text()` itself.
 * @param {Document | DocumentFragment | Element} root
 */
export function localise(root) {
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = text(keyOf(element, "data-text"));
  }
  for (const attribute of ATTRIBUTES) {
    const name = `data-text-${attribute}`;
    for (const element of root.querySelectorAll(`[${name}]`)) {
      element.setAttribute(attribute, text(keyOf(element, name)));
    }
  }
  if ("documentElement" in root) root.documentElement.lang = language();
}

/** @param {Element} element @param {string} attribute */
function keyOf(element, attribute) {
  return /** @type {MessageKey} */ (element.getAttribute(attribute));
}
