/**
 * The extension's service worker: listeners and wiring. Chrome delivers the event that woke the worker only to
 * listeners that are registered before anything is awaited, so all of them are registered here, at once.
 */

import { logError } from "./shared/log.js";
import { PANEL_PORT } from "./shared/protocol.js";
import { isOwnPage } from "./shared/sender.js";
import { database } from "./shared/storage/database.js";
import { App } from "./worker/app.js";
import { listenToEntryPoints } from "./worker/entry-points.js";

const app = new App();

chrome.runtime.onConnect.addListener((port) => {
  if (port.name === PANEL_PORT && isOwnPage(port.sender)) app.connect(port);
  else port.disconnect();
});

chrome.runtime.onMessage.addListener((request, sender, sendResponse) => {
  if (!isOwnPage(sender)) return false;
  app.answer(request).then(sendResponse);
  return true;
});

chrome.alarms.onAlarm.addListener(wake);
addEventListener("online", wake);

listenToEntryPoints();
keepContentScriptsOut();
// The database is open by the time that Python has started and asks for it. Whoever needs it reports a failure.
database().catch(() => {});

function wake() {
  app.wake().catch((error) => logError("Waking up:", error));
}

function keepContentScriptsOut() {
  for (const area of [chrome.storage.local, chrome.storage.session]) {
    area
      .setAccessLevel?.({ accessLevel: "TRUSTED_CONTEXTS" })
      ?.catch((error) => logError("Storage access level:", error));
  }
}
