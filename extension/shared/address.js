/** What may be shown and sent of a page's address. */

const LONGEST = 2_000;

/**
 * @param {string} address
 * @returns {string}  Its host as the browser writes it, with letters beyond ASCII in their code; empty if it is none.
 */
export function hostOf(address) {
  const trimmed = address.trim();
  return URL.canParse(trimmed) ? new URL(trimmed).host : "";
}

/**
 * A page as it is shown to the user with a question, so that the one that is read can be compared with it.
 * @param {{id?: number, url?: string}} tab
 */
export function pageName({ id = -1, url = "" }) {
  return `${id} ${publicAddress(url)}`;
}

/**
 * @param {string} address
 * @returns {string}  Without what may let somebody in: a user's name and password, and what is not a place in the page
 *   after the `#`.
 */
export function publicAddress(address) {
  if (!URL.canParse(address)) return "";
  const url = new URL(address);
  url.username = "";
  url.password = "";
  if (!/^#[/!]/.test(url.hash)) url.hash = "";
  return url.href.slice(0, LONGEST);
}
