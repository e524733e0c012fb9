/** Requests about the error log, which Python keeps. */

import { logError } from "../../shared/log.js";
import { text } from "../../shared/text.js";
import { recall } from "../storage/meta-store.js";

/** @import { Handlers, Links } from "./handler.js" */

/**
 * @param {Links} links
 * @returns {Handlers<"LoadLog" | "ClearLog">}
 */
export function logHandlers({ askPython }) {
  return {
    LoadLog: async () => ({ text: `${versions()}\n\n${await errorLog(askPython)}` }),
    ClearLog: () => askPython({ type: "ClearLog" }),
  };
}

/**
 * The log as Python shows it; as it is stored where Python does not start, since it may say why.
 * @param {Links["askPython"]} askPython
 */
async function errorLog(askPython) {
  try {
    const reply = await askPython({ type: "LoadLog" });
    if (reply.ok) return reply.text || text("log_empty");
  } catch (error) {
    logError("Python could not show the log:", error);
  }
  return (await recall("log")) || text("log_empty");
}

/** The versions of the extension and of the browser, for the head of the log. */
function versions() {
  const browser = /\b\w*Chrom\w*\/[\d.]+/.exec(navigator.userAgent)?.[0].replace("/", " ") ?? navigator.userAgent;
  const system = /\(([^)]*)\)/.exec(navigator.userAgent)?.[1] ?? "";
  return `Sidestream ${chrome.runtime.getManifest().version}, ${browser}${system && ` (${system})`}`;
}
