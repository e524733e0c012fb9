/** The error log at the end of the page, which is loaded when it is unfolded. */

import { byId } from "../ui/dom.js";
import { ask } from "./ask.js";

const logText = /** @type {HTMLTextAreaElement} */ (byId("log-text"));
const logDetails = /** @type {HTMLDetailsElement} */ (byId("log"));

/** @param {string} text */
function sayOfLog(text) {
  byId("log-status").textContent = text;
}

async function loadLog() {
  if (!logDetails.open) return;
  if (!logText.value) logText.value = "Loading…";
  const reply = await ask({ type: "LoadLog" });
  logText.value = reply.ok ? (reply.text ?? "") : [reply.error.message, reply.error.hint].filter(Boolean).join(" ");
}

async function copyLog() {
  try {
    await navigator.clipboard.writeText(logText.value);
    sayOfLog("Copied.");
  } catch {
    logText.select();
    sayOfLog("Chrome refused it. The text is selected: copy it with the keyboard.");
  }
}

async function clearLog() {
  const reply = await ask({ type: "ClearLog" });
  sayOfLog(reply.ok ? "Cleared." : reply.error.message);
  await loadLog();
}

logDetails.addEventListener("toggle", loadLog);
byId("copy-log").addEventListener("click", copyLog);
byId("clear-log").addEventListener("click", clearLog);
