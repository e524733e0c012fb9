/**
 * The inbox of a window: what the user sends to the panel from outside of it, by a page's context menu, a keyboard
 * shortcut or the omnibox. Entries wait in `chrome.storage.session` until the window's panel takes them, so a panel
 * that is still opening gets them as well. The worker and the panels share a lock, so each entry is taken only once.
 */

/** @import { InboxEntry } from "./protocol.js" */

const LOCK = "inbox";

/** @param {number} window */
export const inboxKey = (window) => `inbox:${window}`;

/**
 * @param {number} window
 * @param {InboxEntry} entry
 */
export function putIntoInbox(window, entry) {
  return navigator.locks.request(LOCK, async () => {
    const key = inboxKey(window);
    const { [key]: waiting = [] } = await chrome.storage.session.get(key);
    await chrome.storage.session.set({ [key]: [.../** @type {InboxEntry[]} */ (waiting), entry] });
  });
}

/**
 * @param {number} window
 * @returns {Promise<InboxEntry[]>}  In the order in which they came. The inbox is empty afterwards.
 */
export function takeFromInbox(window) {
  return navigator.locks.request(LOCK, async () => {
    const key = inboxKey(window);
    const { [key]: waiting = [] } = await chrome.storage.session.get(key);
    await chrome.storage.session.remove(key);
    return /** @type {InboxEntry[]} */ (waiting);
  });
}
