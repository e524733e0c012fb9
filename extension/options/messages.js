/** What the page says about its work: the status line, and the alert for what went wrong. */

import { text } from "../shared/text.js";
import { byId } from "../ui/dom.js";

/** @import {TurnError} from "../shared/protocol.js" */

/** @param {string} status */
export function say(status) {
  byId("alert").hidden = true;
  byId("status").textContent = status;
}

/** @param {Pick<TurnError, "message" | "hint" | "server_message">} error */
export function complain({ message, hint, server_message }) {
  const said = server_message && !message.includes(server_message) ? text("options_server_said", server_message) : "";
  byId("status").textContent = "";
  byId("alert-text").textContent = message;
  byId("alert-hint").textContent = [hint, said].filter(Boolean).join(" ");
  byId("alert-hint").hidden = !hint && !said;
  byId("alert").hidden = false;
}

/**
 * Does some work while the buttons are disabled and the status line says what is done.
 * @param {string} progress
 * @param {() => Promise<void>} work
 */
export async function during(progress, work) {
  say(progress);
  const buttons = [...document.querySelectorAll("button")].filter((button) => !button.disabled);
  const focused = document.activeElement;
  for (const button of buttons) button.disabled = true;
  const slow = setTimeout(() => say(`${progress} ${text("options_python_starting")}`), 1500);
  try {
    await work();
  } finally {
    clearTimeout(slow);
    for (const button of buttons) button.disabled = false;
    if (document.activeElement === document.body && focused instanceof HTMLElement && !focused.hidden) focused.focus();
  }
}
