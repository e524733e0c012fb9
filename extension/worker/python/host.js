/** What Python may call. Everything crosses as strings, numbers and bytes; see `pysrc/sidestream/browser/host.py`. */

import { toTurnError } from "../../shared/errors.js";
import { logError } from "../../shared/log.js";
import { loadAttachment } from "../../shared/storage/attachments.js";
import { setAlarm } from "../alarm.js";
import { readAgreed, readPage, readSelection, shownTab } from "../page/page.js";
import { limitPython, runPython, stopPython } from "../sandbox.js";
import { connectionOf } from "../settings/connections.js";
import { saveTokens } from "../settings/settings.js";
import { loadConversation, unfinishedConversations } from "../storage/conversation-store.js";
import { recall, remember } from "../storage/meta-store.js";
import { removeTurn, saveTurn } from "../storage/turn-writer.js";
import { openFetchPump } from "./bridge.js";

/** @import { PageText } from "../../shared/protocol.js" */

/**
 * @typedef {object} Host
 * @property {(message: string, panel: number) => void} post  A `PanelMessage` as JSON for a panel.
 * @property {(id: number, reply: string) => void} reply  The `Reply` to a request.
 * @property {(busy: boolean) => void} busy  Whether there is work that needs the worker awake.
 * @property {typeof openFetchPump} fetch
 * @property {(profileId: string) => Promise<string>} connection  Of a profile, "" for the active one. JSON:
 *   `{"connection": ...}` or `{"error": TurnError}`.
 * @property {(id: string) => Promise<string>} load  JSON: `{"conversation": ...}`, null when it is not there, or
 *   `{"error": TurnError}`.
 * @property {() => Promise<string>} unfinished  JSON: `{"conversations": ids}` or `{"error": TurnError}`.
 * @property {(head: string, turn: string) => Promise<string>} save  Writes a conversation's head and a turn. "" or what
 *   went wrong.
 * @property {(head: string, id: string) => Promise<string>} remove  Removes a turn. "" or what went wrong.
 * @property {(conversation: string, id: string) => Promise<string>} load_attachment  JSON: `{"content": ...}`, null
 *   when it is not there, or `{"error": TurnError}`.
 * @property {(name: string) => Promise<string>} recall  The text that was last remembered under that name, or "".
 * @property {(name: string, text: string) => Promise<string>} remember  "" or what went wrong.
 * @property {(conversation: string, code: string) => Promise<string>} run_python  JSON: a `PythonRun` or `{"error":
 *   TurnError}`.
 * @property {(conversation: string) => Promise<string>} stop_python  Ends what runs there. "" or what went wrong.
 * @property {(conversation: string, agreed: string) => Promise<string>} read_page  What the window shows whose panel
 *   shows the conversation; if the user has agreed to a page ("": to any), that one alone. JSON: `{"page": PageText}`
 *   or `{"error": TurnError}`.
 * @property {(conversation: string, agreed: string) => Promise<string>} read_selection  What is selected there. Answers
 *   as `read_page`.
 * @property {(at: number) => void} alarm  Has a `Wake` sent to Python then (Unix time in milliseconds); 0 for none.
 * @property {() => boolean} online
 * @property {(profileId: string, before: string, after: string) => Promise<string>} save_tokens  Keeps a profile's
 *   renewed tokens, the content of an `auth.json`, in place of those that they were made of. "" or what went wrong.
 */

/**
 * @param {Pick<Host, "post" | "reply" | "busy"> & {stored: (id: string) => void, windowOf: (conversation: string) =>
 *   Promise<number>}} links `stored` is called for each turn that is stored for the first time; `windowOf` gives the
 *   window in which a conversation is shown.
 * @returns {Host}
 */
export function createHost({ stored, windowOf, ...links }) {
  /** @param {string} conversation @param {string} agreed @param {(tab: chrome.tabs.Tab) => Promise<PageText>} read */
  const reading = (conversation, agreed, read) => {
    const page = agreed ? readAgreed(agreed, read) : windowOf(conversation).then(shownTab).then(read);
    return answer(page.then((read) => ({ page: read })));
  };
  return {
    ...links,
    fetch: openFetchPump,
    connection: (profileId) => answer(connectionOf(profileId).then((connection) => ({ connection }))),
    load: (id) => answer(loadConversation(id).then((conversation) => ({ conversation: conversation ?? null }))),
    unfinished: () => answer(unfinishedConversations().then((conversations) => ({ conversations }))),
    save: (head, turn) => outcome(save(head, turn).then((id) => id && stored(id))),
    remove: (head, id) => outcome(removeTurn(head, id)),
    load_attachment: (conversation, id) =>
      answer(loadAttachment(conversation, id).then((content) => ({ content: content ?? null }))),
    recall: (name) => recall(name).catch(() => ""),
    remember: (name, text) => outcome(remember(name, text)),
    run_python: (conversation, code) => answer(runPython({ conversation, code })),
    stop_python: (conversation) => outcome(stopPython(conversation)),
    read_page: (conversation, agreed) => reading(conversation, agreed, (tab) => readPage(tab)),
    read_selection: (conversation, agreed) => reading(conversation, agreed, (tab) => readSelection(tab)),
    alarm: setAlarm,
    online: () => navigator.onLine,
    save_tokens: (profileId, before, after) => outcome(saveTokens(profileId, before, after)),
  };
}

/**
 * Settings are stored with a head that comes alone.
 * @param {string} head
 * @param {string} turn
 */
async function save(head, turn) {
  const id = await saveTurn(head, turn);
  if (!turn) limitPython(JSON.parse(head).id).catch((error) => logError("The sandbox could not be limited:", error));
  return id;
}

/**
 * Failures cross as text: a rejected promise would hand Python a JavaScript object.
 * @param {Promise<object>} promise
 */
function answer(promise) {
  return promise.then(
    (value) => JSON.stringify(value),
    (error) => JSON.stringify({ error: toTurnError(error) }),
  );
}

/** @param {Promise<unknown>} promise */
function outcome(promise) {
  return promise.then(
    () => "",
    (error) => JSON.stringify(toTurnError(error)),
  );
}
