/** What Python may call. Everything crosses as strings, numbers and bytes; see `pysrc/sidestream/browser/host.py`. */

import { setAlarm } from "./alarm.js";
import { openExchange } from "./bridge.js";
import { beginConversation, loadConversation, openConversation, removeTurn, saveTurn } from "./database.js";
import { toTurnError } from "./errors.js";
import { currentConnection, saveTokens } from "./settings.js";

/**
 * @typedef {object} Host
 * @property {(message: string, panel: number) => void} post  A `PanelMessage` as JSON for one panel, or for all (0).
 * @property {(id: number, reply: string) => void} reply  The `Reply` to a request.
 * @property {(busy: boolean) => void} busy  Whether there is work that needs the worker awake.
 * @property {typeof openExchange} fetch
 * @property {() => Promise<string>} connection  JSON: `{"connection": ...}` or `{"error": TurnError}`.
 * @property {() => Promise<string>} load  The current conversation as JSON, or "".
 * @property {(id: string) => Promise<string>} open  Makes that conversation the current one: it as JSON, or "" when it is not there.
 * @property {(id: string, createdAt: number) => Promise<string>} begin  Begins a conversation. "" or what went wrong.
 * @property {(conversationId: string, turn: string) => Promise<string>} save  Writes a turn. "" or what went wrong.
 * @property {(conversationId: string, id: string) => Promise<string>} remove  Removes a turn. "" or what went wrong.
 * @property {(at: number) => void} alarm  Has a `Wake` sent to Python then (Unix time in milliseconds); 0 for none.
 * @property {() => boolean} online
 * @property {(profileId: string, before: string, after: string) => Promise<string>} save_tokens  Keeps a profile's renewed tokens, the
 *   content of an `auth.json`, in place of those that they were made of. "" or what went wrong.
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
    load: () => loadConversation().then(asText),
    open: (id) => openConversation(id).then(asText),
    begin: (id, createdAt) => outcome(beginConversation(id, createdAt)),
    save: (conversationId, turn) => outcome(saveTurn(conversationId, turn)),
    remove: (conversationId, id) => outcome(removeTurn(conversationId, id)),
    alarm: setAlarm,
    online: () => navigator.onLine,
    save_tokens: (profileId, before, after) => outcome(saveTokens(profileId, before, after)),
  };
}

/** @param {Awaited<ReturnType<typeof loadConversation>>} conversation */
function asText(conversation) {
  return conversation ? JSON.stringify(conversation) : "";
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
