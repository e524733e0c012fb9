/** Who this panel is among those that are open, so that each has drafts of its own. */

import { PANEL_LOCK } from "../../shared/storage/drafts.js";

/** @import {Panel} from "../../shared/storage/drafts.js" */

/** The id's place in `sessionStorage`, where it survives that the panel is loaded again. */
const ID = "panel";
/**
 * Names the browser's session in `chrome.storage.session`, which ends with it: a window's number is another window's
 * after that.
 */
const SESSION = "browser_session";
/** The page before this one, in the same tab, gives its lock back within that time. */
const HANDOVER_MS = 500;

/**
 * Does something while no other panel does the like.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export function exclusively(work) {
  return /** @type {Promise<T>} */ (navigator.locks.request("drafts", work));
}

/**
 * Holds the lock of this panel as long as it is open.
 * @param {number | undefined} window  That it is in.
 * @returns {Promise<Panel>}
 */
export async function identify(window) {
  let owner = sessionStorage.getItem(ID) ?? crypto.randomUUID();
  // A tab that was duplicated has the id of the one that it was made of.
  if (!(await hold(owner))) {
    owner = crypto.randomUUID();
    await hold(owner);
  }
  sessionStorage.setItem(ID, owner);
  return { owner, session: await exclusively(browserSession), window: window ?? -1 };
}

/** @param {string} owner @returns {Promise<boolean>}  Whether the lock is this panel's. */
function hold(owner) {
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    const signal = AbortSignal.timeout(HANDOVER_MS);
    navigator.locks.request(PANEL_LOCK + owner, { signal }, held).catch(() => resolve(false));
  });
}

async function browserSession() {
  const { [SESSION]: known } = await chrome.storage.session.get(SESSION);
  if (typeof known === "string") return known;
  const session = crypto.randomUUID();
  await chrome.storage.session.set({ [SESSION]: session });
  return session;
}

/**
 * Waits a moment for a panel to close: one that was there before in the same window may be on its way out.
 * @param {string} owner
 * @param {number} ms
 * @returns {Promise<boolean>}  Whether it has.
 */
export function hasClosed(owner, ms) {
  const signal = AbortSignal.timeout(ms);
  return navigator.locks
    .request(PANEL_LOCK + owner, { signal }, () => true)
    .then(
      () => true,
      () => false,
    );
}

/** The panels and windows that are open. */
export async function whoIsOpen() {
  const [{ held = [] }, windows] = await Promise.all([navigator.locks.query(), chrome.windows.getAll()]);
  const names = held.flatMap(({ name = "" }) => (name.startsWith(PANEL_LOCK) ? [name.slice(PANEL_LOCK.length)] : []));
  return { panels: new Set(names), windows: new Set(windows.flatMap(({ id }) => id ?? [])) };
}
