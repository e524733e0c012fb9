/** The error log at the end of the page, which is loaded when it is unfolded. */

import { text } from "../shared/text.js";
import { byId } from "../ui/dom.js";
import { ask } from "./ask.js";

const logText = /** @type {HTMLTextAreaElement} */ (byId("log-text"));
const logDetails = /** @type {HTMLDetailsElement} */ (byId("log"));

/** @param {string} status */
function showStatus(status) {
  byId("log-status").textContent = status;
}

async function loadLog() {
  if (!logDetails.open) return;
  if (!logText.value) logText.value = text("options_log_loading");
  const reply = await ask({ type: "LoadLog" });
  logText.value = reply.ok ? (reply.text ?? "") : [reply.error.message, reply.error.hint].filter(Boolean).join(" ");
}

async function copyLog() {
  try {
    await navigator.clipboard.writeText(logText.value);
    showStatus(text("options_log_copied"));
  } catch {
    logText.select();
    showStatus(text("options_log_copy_blocked"));
  }
}

async function clearLog() {
  const reply = await ask({ type: "ClearLog" });
  showStatus(reply.ok ? text("options_log_cleared") : reply.error.message);
  await loadLog();
}

logDetails.addEventListener("toggle", loadLog);
byId("copy-log").addEventListener("click", copyLog);
byId("clear-log").addEventListener("click", clearLog);
