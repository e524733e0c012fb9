/**
 * The table of the pages' requests: one handler for each type, by subject in the files beside this one.
 */

import { toTurnError, UserError } from "../../shared/errors.js";
import { logError } from "../../shared/log.js";
import { text } from "../../shared/text.js";
import { awakeDuring } from "../keep-alive.js";
import { attachmentHandlers } from "./attachments.js";
import { conversationHandlers } from "./conversations.js";
import { logHandlers } from "./log.js";
import { sandboxHandlers } from "./sandbox.js";
import { settingsHandlers } from "./settings.js";

/** @import { Reply, Request, RequestType } from "../../shared/requests.js" */
/** @import { Handler, Handlers, Links } from "./handler.js" */

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
  if (!handle) throw new UserError("unsupported", text("error_unsupported_action"), text("error_reload_this_page"));
  return { ok: true, .../** @type {any} */ (await handle(request)) };
}
