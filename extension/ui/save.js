/** Files for the user to keep. */

import { el } from "./dom.js";

/** The browser has begun to write by then. */
const REVOKE_MS = 60_000;

/**
 * @param {string} name
 * @param {Blob} blob
 */
export function save(name, blob) {
  const href = URL.createObjectURL(blob);
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), REVOKE_MS);
}
