/**
 * What the user does outside of the panel: the icon, the menu of a page, keys, the address bar. Each of these opens the
 * panel and lets Sidestream read the page that was pointed at (`activeTab`); a click inside the panel does not.
 *
 * The panel opens in answer to a user's action alone, so that comes first, before anything is waited for.
 */

import { publicAddress } from "../shared/address.js";
import { toTurnError, UserError } from "../shared/errors.js";
import { handOver } from "../shared/inbox.js";
import { logError } from "../shared/log.js";
import { PANELS } from "../shared/protocol.js";
import { awakeDuring } from "./keep-alive.js";
import { ATTACH_PAGE, isClickAwaited, readPage, readSelection } from "./page/page.js";

/** @import { Intake, PageText, PanelsMessage } from "../shared/protocol.js" */
/** @typedef {"page" | "selection"} What */

const MENU = /** @type {Record<What, string>} */ ({ page: "Ask about this page", selection: "Ask about selection" });

/**
 * The window in which something is typed into the address bar: what is entered there does not say it.
 * @type {number | undefined}
 */
let typingIn;

/** Listens to all of them. To be called before anything is awaited. */
export function listenToGestures() {
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
  chrome.omnibox.setDefaultSuggestion({ description: "Ask Sidestream: %s" });
  // The browser's own way to open the panel by the icon lets nothing be read, and it stays on once it was.
  chrome.sidePanel.setPanelBehavior({ openPanelOnActionClick: false }).catch((error) => logError("Side panel:", error));
}

function makeMenu() {
  chrome.contextMenus.removeAll(() => {
    // Not in the panel itself.
    const documentUrlPatterns = ["http://*/*", "https://*/*", "file:///*"];
    for (const [id, title] of Object.entries(MENU)) {
      chrome.contextMenus.create({ id, title, contexts: [/** @type {What} */ (id)], documentUrlPatterns });
    }
  });
}

/** @param {number} windowId */
function openPanel(windowId) {
  chrome.sidePanel.open({ windowId }).catch((error) => logError("The panel was not opened:", error));
}

/**
 * A panel that is open closes, unless it waits to be let into the page.
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
 * Opens the panel, reads, and hands over what was read.
 * @param {chrome.tabs.Tab} tab
 * @param {What} what
 * @param {string} [selected]  The selection as the menu of the page has it: on one line, but also where nothing may be
 *   read.
 */
function bring(tab, what, selected) {
  openPanel(tab.windowId);
  const reading = what === "page" ? readPage(tab, true) : selectionOf(tab, selected);
  const handing = reading
    .then(
      (page) => /** @type {Intake} */ ({ type: what, page }),
      (error) => {
        if (!(error instanceof UserError)) logError("A page was not read:", error);
        return /** @type {Intake} */ ({ type: "problem", what, error: toTurnError(error) });
      },
    )
    .then((thing) => handOver(tab.windowId, thing));
  awakeDuring(handing).catch((error) => logError("What was read was not handed over:", error));
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
  // Something else may be selected where Sidestream can read than where the user pointed.
  if (read && (!selected || begin(read.text) === begin(selected))) return read;
  const { title = "", url = "" } = tab;
  return { title: title || "Selection", url: publicAddress(url), text: selected, is_whole: true };
}

/** @param {string} text */
function begin(text) {
  return text.replace(/\s+/g, "").slice(0, 50);
}

function noteWindow() {
  chrome.windows.getLastFocused().then(
    ({ id }) => {
      typingIn = id;
    },
    () => {},
  );
}

/** @param {string} text */
async function onQuestion(text) {
  if (typingIn !== undefined) openPanel(typingIn);
  try {
    const window = typingIn ?? (await chrome.windows.getLastFocused()).id ?? chrome.windows.WINDOW_ID_NONE;
    const question = text.trim().toWellFormed();
    if (question) await handOver(window, { type: "question", text: question });
    // This worker was not there when the typing began. The browser may or may not open the panel so late.
    if (typingIn === undefined) openPanel(window);
  } catch (error) {
    logError("What was typed was not handed over:", error);
  }
}
