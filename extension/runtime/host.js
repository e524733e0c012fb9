/** What Python may call. Everything crosses as strings, numbers and bytes; see `pysrc/sidestream/browser/host.py`. */

import { openExchange } from "./bridge.js";
import { beginConversation, loadConversation, saveTurn } from "./database.js";
import { toTurnError } from "./errors.js";
import { currentConnection } from "./settings.js";

/**
 * @typedef {object} Host
 * @property {(message: string, panel: number) => void} post  A `PanelMessage` as JSON for one panel, or for all (0).
 * @property {(id: number, reply: string) => void} reply  The `Reply` to a request.
 * @property {(busy: boolean) => void} busy  Whether there is work that needs the worker awake.
 * @property {typeof openExchange} fetch
 * @property {() => Promise<string>} connection  JSON: `{"connection": ...}` or `{"error": TurnError}`.
 * @property {() => Promise<string>} load  The current conversation as JSON, or "".
 * @property {(id: string, createdAt: number) => Promise<string>} begin  Begins a conversation. "" or what went wrong.
 * @property {(conversationId: string, turn: string) => Promise<string>} save  Writes a turn. "" or what went wrong.
 */

/**
 * @param {Pick<Host, "post" | "reply" | "busy">} links
 * @returns {Host}
 */
export function createHost(links) {
  return {
    ...links,
    fetch: openExchange,
    connection: () =>
      currentConnection().then(
        (connection) => JSON.stringify({ connection }),
        (error) => JSON.stringify({ error: toTurnError(error) }),
      ),
    load: () => loadConversation().then((conversation) => (conversation ? JSON.stringify(conversation) : "")),
    begin: (id, createdAt) => outcome(beginConversation(id, createdAt)),
    save: (conversationId, turn) => outcome(saveTurn(conversationId, turn)),
  };
}

/**
 * Failures cross as text: a rejected promise would hand Python a JavaScript object.
 * @param {Promise<void>} promise
 */
function outcome(promise) {
  return promise.then(
    () => "",
    (error) => JSON.stringify(toTurnError(error)),
  );
}
