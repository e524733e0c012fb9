/** The box with the error of a turn: what went wrong, what the server said, and what the user can do. */

import { localisedError } from "../../shared/python-text.js";
import { text } from "../../shared/text.js";
import { el } from "../../ui/dom.js";
import { asText } from "./error-details.js";
import { copyDetailsButton } from "./markdown-actions.js";

/** @import {Turn, TurnError} from "../../shared/protocol.js" */

/** Errors whose cause may lie in the settings. */
const SETTINGS_HELP = new Set([
  "configuration",
  "unsupported",
  "network",
  "bad_response",
  "authentication",
  "sign_in_required",
  "permission",
  "not_found",
  "model_not_found",
]);

/** Finish reasons that do not explain an error. */
const NORMAL_ENDS = new Set(["stop", "end_turn", "eos", "completed", "tool_calls", "function_call"]);

/**
 * @typedef {object} Parts
 * @property {TurnError} error
 * @property {Turn} turn
 * @property {HTMLButtonElement[] | null} recovery  Null for a turn that is not the last one: its error is no alert, and
 *   cannot be retried.
 * @property {{openPermissions: () => void, openSettings: () => void}} actions
 * @property {() => string} details  The text that is copied.
 */

/**
 * @param {Parts} parts
 * @returns {HTMLElement}
 */
export function createErrorBox({ error, turn, recovery, actions, details }) {
  const { message, hint, kind, limit } = localisedError(error);
  const box = el(
    "div",
    { class: "error-box", role: recovery !== null && "alert" },
    el("p", { class: "what" }, message),
  );
  if (hint) box.append(el("p", {}, hint));
  const said = asText(error.server_message);
  if (said && !message.includes(said)) box.append(el("p", { class: "said" }, text("error_server_said", said)));
  const facts = factsOf(error, turn.finish_reason);
  if (facts.length > 0) box.append(el("p", { class: "details" }, facts.join(" · ")));
  // A button that changes its label must not have the whole alert read out again.
  const buttons = el("div", { class: "actions", "aria-live": "off" }, ...(recovery ?? []));
  const button = (/** @type {string} */ label, /** @type {() => void} */ onclick) =>
    buttons.append(el("button", { type: "button", onclick }, label));
  if (limit) button(text("error_change_limits"), actions.openPermissions);
  if (SETTINGS_HELP.has(kind)) button(text("common_open_settings"), actions.openSettings);
  buttons.append(copyDetailsButton(details));
  box.append(buttons);
  return box;
}

/**
 * What the message of an error does not say itself.
 * @param {TurnError} error
 * @param {string | undefined} reason
 */
function factsOf({ message, status, request_id }, reason) {
  return [
    status && !message.includes(String(status)) && text("error_http_status", String(status)),
    reason && !NORMAL_ENDS.has(reason) && !message.includes(reason) && text("error_finish_reason", reason),
    request_id && text("error_request", request_id),
  ].filter(Boolean);
}
