/** Requests of the options page to the worker. A worker that cannot be reached is an error like others. */

/** @import {Reply, Request, Requests, RequestType} from "../shared/requests.js" */

/**
 * @template {RequestType} T
 * @param {{type: T} & Requests[T]["request"]} request
 * @returns {Promise<Reply<T>>}
 */
export async function ask(request) {
  try {
    const reply = await chrome.runtime.sendMessage(/** @type {Request} */ (request));
    if (reply) return reply;
  } catch {
    // The worker could not be reached, or was replaced by a newer one.
  }
  const error = {
    kind: "internal",
    message: "The extension's background process did not answer.",
    hint: "Try again, or load this page anew.",
  };
  return { ok: false, error };
}
