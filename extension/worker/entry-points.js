/**
 * The entry points outside of the panel: the toolbar icon, a page's context menu, keyboard shortcuts and the omnibox.
 * Each of them opens the panel and permits Sidestream to read the page that the user was on (`activeTab`). A click
 * inside the panel gives no such permission.
 *
 * Chrome opens the panel only in response to a user's action, so the panel is opened first, before anything is awaited.
 */

import { publicAddress } from "../shared/address.js";
import { toTurnError, UserError } from "../shared/errors.js";
import { putIntoInbox } from "../shared/inbox.js";
import { logError } from "../shared/log.js";
import { PANELS } from "../shared/protocol.js";
import { text } from "../shared/text.js";
import { awakeDuring } from "./keep-alive.js";
import { ATTACH_PAGE, isClickAwaited, readPage, readSelection } from "./page/page.js";

/** @import { InboxEntry, PageText, PanelsMessage } from "../shared/protocol.js" */
/** @import { MessageKey } from "../shared/text.js" */
/** @typedef {"page" | "selection"} What */

/** The entries of a page's context menu. @type {Record<What, MessageKey>} */
const MENU = { page: "menu_ask_about_page", selection: "menu_ask_about_selection" };

/**
 * The window in which the user types into the omnibox. The event for the entered text does not name its window.
 * @type {number | undefined}
 */
let typingIn;

/** Registers the listeners of all entry points. To be called before anything is awaited. */
export function listenToEntryPoints() {
  chrome.runtime.onInstalled.addListener(makeMenu);
  chrome.action.onClicked.addListener(onIcon);
  chrome.contextMenus.onClicked.addListener((info, tab) => {
    const what = /** @type {What} */ (info.menuItemId);
    if (tab && what in MENU) bring(tab, what, info.selectionText);
  });
  chrome.commands.onCommand.addListener((command, tab) => {
    if (command === ATTACH_PAGE && tab) bring(tab, "page");
  });
  chrome.omnibox.onInputStarted.addListener(noteWindow);
  chrome.omnibox.onInputChanged.addListener(noteWindow);
  chrome.omnibox.onInputEntered.addListener(onQuestion);
  chrome.omnibox.setDefaultSuggestion({ description: text("omnibox_ask", "%s") });
  // Chrome's own way to open the panel by the icon grants no access to the page, and stays on until it is turned off.
  chrome.sidePanel.setPanelBehavior({ openPanelOnActionClick: false }).catch((error) => logError("Side panel:", error));
}

function makeMenu() {
  chrome.contextMenus.removeAll(() => {
    // The menu is for pages, not for the panel itself.
    const documentUrlPatterns = ["http://*/*", "https://*/*", "file:///*"];
    for (const [id, key] of Object.entries(MENU)) {
      chrome.contextMenus.create({ id, title: text(key), contexts: [/** @type {What} */ (id)], documentUrlPatterns });
    }
  });
}

/** @param {number} windowId */
function openPanel(windowId) {
  chrome.sidePanel.open({ windowId }).catch((error) => logError("The panel was not opened:", error));
}

/**
 * A panel that is open closes, unless it waits for the permission to read the page.
 * @param {chrome.tabs.Tab} tab
 */
async function onIcon(tab) {
  const { windowId: window } = tab;
  const at = Date.now();
  openPanel(window);
  /** @type {PanelsMessage} */
  const message = { to: PANELS, type: "IconClicked", window, at, stays: await isClickAwaited(tab) };
  chrome.runtime.sendMessage(message).catch(() => {
    // No panel is open yet.
  });
}

/**
 * Opens the panel, reads the page or the selection, and puts it into the window's inbox.
 * @param {chrome.tabs.Tab} tab
 * @param {What} what
 * @param {string} [selected]  The selection as the context menu's event has it: on one line, but also on pages that may
 *   not be read.
 */
function bring(tab, what, selected) {
  openPanel(tab.windowId);
  const reading = what === "page" ? readPage(tab, true) : selectionOf(tab, selected);
  const delivery = reading
    .then(
      (page) => /** @type {InboxEntry} */ ({ type: what, page }),
      (error) => {
        if (!(error instanceof UserError)) logError("A page was not read:", error);
        return /** @type {InboxEntry} */ ({ type: "problem", what, error: toTurnError(error) });
      },
    )
    .then((entry) => putIntoInbox(tab.windowId, entry));
  awakeDuring(delivery).catch((error) => logError("What was read did not reach the inbox:", error));
}

/**
 * @param {chrome.tabs.Tab} tab
 * @param {string} [selected]
 * @returns {Promise<PageText>}
 */
async function selectionOf(tab, selected = "") {
  const read = await readSelection(tab, true).catch((error) => {
    if (selected.trim()) return undefined;
    throw error;
  });
  // The user may have selected something in a frame that Sidestream cannot read, while something else is selected in
  // one that it can.
  if (read && (!selected || begin(read.text) === begin(selected))) return read;
  const { title = "", url = "" } = tab;
  return { title: title || text("attachment_selection"), url: publicAddress(url), text: selected, is_whole: true };
}

/** @param {string} selection */
function begin(selection) {
  return selection.replace(/\s+/g, "").slice(0, 50);
}

function noteWindow() {
  chrome.windows.getLastFocused().then(
    ({ id }) => {
      typingIn = id;
    },
    () => {},
  );
}

/** @param {string} entered */
async function onQuestion(entered) {
  if (typingIn !== undefined) openPanel(typingIn);
  try {
    const window = typingIn ?? (await chrome.windows.getLastFocused()).id ?? chrome.windows.WINDOW_ID_NONE;
    const question = entered.trim().toWellFormed();
    if (question) await putIntoInbox(window, { type: "question", text: question });
    // This worker started after the typing began, so it did not know the window. Chrome may refuse to open the panel
    // by now.
    if (typingIn === undefined) openPanel(window);
  } catch (error) {
    logError("What was typed did not reach the inbox:", error);
  }
}
