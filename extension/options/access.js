/** Chrome's permission to reach a server. */

import { hostOf } from "./form.js";
import { complain } from "./messages.js";

/**
 * Asks for access where it is not granted yet, and complains where the user refuses it.
 * @param {string[]} origins
 */
export async function isAllowed(origins) {
  if (origins.length === 0 || (await chrome.permissions.request({ origins }).catch(() => false))) return true;
  const hosts = origins.map((origin) => hostOf(origin.replace("/*", "/"))).join(" and ");
  complain({
    message: `Chrome was not allowed to reach ${hosts}.`,
    hint:
      "Without that, Sidestream cannot talk to it. Nothing is lost: try again and choose “Allow”. " +
      `Only ${hosts} is asked for.`,
  });
  return false;
}
