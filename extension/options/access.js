/** Chrome's permission to reach a server. */

import { hostOf } from "../shared/address.js";
import { list, text } from "../shared/text.js";
import { complain } from "./messages.js";

/** @typedef {typeof isAllowed} IsAllowed */

/**
 * Asks for access where it is not granted yet, and complains where the user refuses it.
 * @param {string[]} origins
 */
export async function isAllowed(origins) {
  if (origins.length === 0 || (await chrome.permissions.request({ origins }).catch(() => false))) return true;
  const hosts = list(
    origins.map((origin) => hostOf(origin.replace("/*", "/"))),
    "conjunction",
  );
  complain({ message: text("options_access_denied", hosts), hint: text("options_access_denied_hint") });
  return false;
}
