/** Requests that the worker answers once. The panel's port carries everything else. */

import { localisedError } from "../../shared/python-text.js";

/** @import {Reply, Request, Requests, RequestType} from "../../shared/requests.js" */

/**
 * @template {RequestType} T
 * @param {{type: T} & Requests[T]["request"]} request
 * @returns {Promise<Requests[T]["reply"]>}  Rejects with an error whose message is for the user.
 */
export async function ask(request) {
  /** @type {Reply<T>} */
  const reply = await chrome.runtime.sendMessage(/** @type {Request} */ (request));
  if (!reply.ok) {
    const { message, hint } = localisedError(reply.error);
    throw new Error([message, hint].filter(Boolean).join(" "));
  }
  return reply;
}
