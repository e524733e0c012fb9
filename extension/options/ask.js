/** Requests of the options page to the worker. A worker that cannot be reached is an error like others. */

import { localisedError } from "../shared/python-text.js";
import { text } from "../shared/text.js";

/** @typedef {typeof ask} Ask */
/** @import {Reply, Request, Requests, RequestType} from "../shared/requests.js" */

/**
 * @template {RequestType} T
 * @param {{type: T} & Requests[T]["request"]} request
 * @returns {Promise<Reply<T>>}
 */
export async function ask(request) {
  try {
    const reply = await chrome.runtime.sendMessage(/** @type {Request} */ (request));
    if (reply) return reply.ok ? reply : { ...reply, error: localisedError(reply.error) };
  } catch {
    // The worker could not be reached, or was replaced by a newer one.
  }
  const error = {
    kind: "internal",
    message: text("options_worker_unreachable"),
    hint: text("options_worker_unreachable_hint"),
  };
  return { ok: false, error };
}
