/** Requests that the worker answers once. The panel's port carries everything else. */

/** @import {Reply, Request} from "../../shared/protocol.js" */

/** @typedef {Extract<Reply, {ok: true}>} Answer */

/**
 * @param {Request} request
 * @returns {Promise<Answer>}  Rejects with an error whose message is for the user.
 */
export async function ask(request) {
  /** @type {Reply} */
  const reply = await chrome.runtime.sendMessage(request);
  if (!reply.ok) throw new Error([reply.error.message, reply.error.hint].filter(Boolean).join(" "));
  return reply;
}
