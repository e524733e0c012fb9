/**
 * Whether Sidestream may read the page beside the panel is the user's to say: by the extension's icon, or by allowing it sites. Whoever in the
 * panel waits for that is told here when it may have changed.
 *
 * The icon also opens and closes the panel. A click on it closes the panel unless somebody waits for that click.
 */

import { PANELS } from "../../shared/protocol.js";
import { isWorker } from "../../shared/sender.js";

/** @import { PanelsMessage } from "../../shared/protocol.js" */

/** @type {Set<() => void>} */
const waiting = new Set();
/** The window that the panel is in. @type {number | undefined} */
let ownWindow;

/**
 * @param {() => void} onChange  Called each time when the page may have become readable, until it waits no longer.
 * @returns {() => void}  Ends the waiting.
 */
export function waitForPermission(onChange) {
  waiting.add(onChange);
  return () => waiting.delete(onChange);
}

/**
 * To be called once.
 * @param {number | undefined} window  That the panel is in.
 */
export function listenForPermission(window) {
  ownWindow = window;
  chrome.runtime.onMessage.addListener((/** @type {PanelsMessage} */ message, sender) => {
    if (message?.to === PANELS && message.window === ownWindow && isWorker(sender)) onIcon(message);
  });
  chrome.permissions.onAdded.addListener(tell);
}

/** @param {PanelsMessage} message */
async function onIcon({ at, stays }) {
  const isAwaited = stays || waiting.size > 0;
  tell();
  // A panel that came by this click stays, and so does one that is shown in a tab.
  if (!isAwaited && performance.timeOrigin < at && !(await chrome.tabs.getCurrent())) window.close();
}

function tell() {
  for (const onChange of [...waiting]) onChange();
}
