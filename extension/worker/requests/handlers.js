/**
 * The table of the pages' requests: one handler for each type, by subject in the files beside this one.
 */

import { toTurnError, UserError } from "../../shared/errors.js";
import { logError } from "../../shared/log.js";
import { awakeDuring } from "../keep-alive.js";
import { attachmentHandlers } from "./attachments.js";
import { conversationHandlers } from "./conversations.js";
import { logHandlers } from "./log.js";
import { sandboxHandlers } from "./sandbox.js";
import { settingsHandlers } from "./settings.js";

/** @import { Refusal, Reply, Request, Requests, RequestType } from "../../shared/requests.js" */

/**
 * Carries out one request. What it throws becomes the reply; Python's refusals are given as they come.
 * @template {RequestType} T
 * @typedef {(request: Requests[T]["request"]) => Promise<Requests[T]["reply"] | Refusal>} Handler
 */

/** @template {RequestType} T @typedef {{[Each in T]: Handler<Each>}} Handlers */

/**
 * What the handlers need of the application.
 * @typedef {object} Links
 * @property {(question: {type: string} & Record<string, unknown>) => Promise<any>} askPython  The reply of Python, which is started for it.
 * @property {() => Promise<void>} onProviderChange  Tells panels and Python who answers from now on.
 * @property {() => Promise<void>} onAccountChange  Forgets the limits of the account whose key or sign-in was replaced.
 * @property {() => Promise<void>} endPython  Ends Python for good, with what it has in memory.
 * @property {() => void} revivePython  Starts another one, for the panels that are open.
 * @property {() => Promise<Set<string>>} conversationsInUse  Those that panels show.
 * @property {(conversation: string) => Promise<void>} onDelete  A conversation was deleted.
 */

/**
 * @param {Links} links
 * @returns {(request: Request) => Promise<Reply>}  Never rejects.
 */
export function createAnswer(links) {
  /** @type {Handlers<RequestType>} */
  const handlers = {
    ...settingsHandlers(links),
    ...logHandlers(links),
    ...conversationHandlers(links),
    ...attachmentHandlers(),
    ...sandboxHandlers(),
  };
  return async (request) => {
    try {
      return await awakeDuring(answer(handlers, request));
    } catch (error) {
      if (!(error instanceof UserError)) logError(`${request?.type} failed:`, error);
      return { ok: false, error: toTurnError(error) };
    }
  };
}

/**
 * @param {Handlers<RequestType>} handlers
 * @param {Request} request
 * @returns {Promise<Reply>}
 */
async function answer(handlers, request) {
  const handle = Object.hasOwn(handlers, request?.type) && /** @type {Handler<any>} */ (handlers[request.type]);
  if (!handle) throw new UserError("unsupported", "This version does not know that request.", "Load the page again.");
  return { ok: true, .../** @type {any} */ (await handle(request)) };
}
