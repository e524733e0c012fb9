/**
 * Whether Sidestream may read the page beside the panel. The user permits it by a click on the extension's icon, or by
 * allowing sites. Parts of the panel that wait for the permission are called when it may have changed.
 *
 * The icon also opens and closes the panel. A click on it closes the panel unless something waits for that click.
 */

import { PANELS } from "../../shared/protocol.js";
import { isWorker } from "../../shared/sender.js";

/** @import { PanelsMessage } from "../../shared/protocol.js" */

/** @type {Set<() => void>} */
const waiting = new Set();
/** The window that the panel is in. @type {number | undefined} */
let ownWindow;

/**
 * @param {() => void} onChange  Called whenever the page may have become readable.
 * @returns {() => void}  Ends the waiting.
 */
export function waitForPermission(onChange) {
  waiting.add(onChange);
  return () => waiting.delete(onChange);
}

/**
 * Begins to listen. It is called once.
 * @param {number | undefined} window  The window that the panel is in.
 */
export function listenForPermission(window) {
  ownWindow = window;
  chrome.runtime.onMessage.addListener((/** @type {PanelsMessage} */ message, sender) => {
    if (message?.to === PANELS && message.window === ownWindow && isWorker(sender)) onIcon(message);
  });
  chrome.permissions.onAdded.addListener(notify);
}

/** @param {PanelsMessage} message */
async function onIcon({ at, stays }) {
  const isAwaited = stays || waiting.size > 0;
  notify();
  // A panel that this click has opened stays, and so does one that is shown in a tab.
  if (!isAwaited && performance.timeOrigin < at && !(await chrome.tabs.getCurrent())) window.close();
}

function notify() {
  for (const onChange of [...waiting]) onChange();
}
