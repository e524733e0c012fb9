/**
 * What the user hands to the panel from outside of it: from the menu of a page, by a key, from the address bar. It lies
 * in a window's intake, in `chrome.storage.session`, until the panel of that window takes it; one that is only just
 * opening takes it as well. A lock that the worker and the panels share sees to it that each thing is taken once.
 */

/** @import { Intake } from "./protocol.js" */

const LOCK = "intake";

/** @param {number} window */
export const intakeOf = (window) => `intake:${window}`;

/**
 * @param {number} window
 * @param {Intake} thing
 */
export function handOver(window, thing) {
  return navigator.locks.request(LOCK, async () => {
    const key = intakeOf(window);
    const { [key]: waiting = [] } = await chrome.storage.session.get(key);
    await chrome.storage.session.set({ [key]: [.../** @type {Intake[]} */ (waiting), thing] });
  });
}

/**
 * @param {number} window
 * @returns {Promise<Intake[]>}  In the order in which they came. They are gone then.
 */
export function takeAll(window) {
  return navigator.locks.request(LOCK, async () => {
    const key = intakeOf(window);
    const { [key]: waiting = [] } = await chrome.storage.session.get(key);
    await chrome.storage.session.remove(key);
    return /** @type {Intake[]} */ (waiting);
  });
}
