/** Reads the page that a tab shows, as far as the user has permitted it. Nothing in the page is changed. */

import { pageName, publicAddress } from "../../shared/address.js";
import { UserError } from "../../shared/errors.js";
import { logError } from "../../shared/log.js";
import { list, text } from "../../shared/text.js";
import { within } from "./patience.js";

/** @import { PageText } from "../../shared/protocol.js" */
/** @import { MessageKey } from "../../shared/text.js" */

/** The command that attaches the page, in the manifest. */
export const ATTACH_PAGE = "attach-page";

/**
 * The permission that a click gives may reach the page's process after the click has reached the worker: the waits
 * before reading is tried again.
 */
const GRANT_DELAYS_MS = [100, 400, 1_500];
/** What reads a page, in the order in which it is injected. */
const READER = [
  ...["dom", "layout", "addresses", "lines", "code", "math", "tables", "lists", "sign-words", "signs"],
  ...["surroundings", "writer", "findings", "elements", "reader", "read-page"],
].map((name) => `page/${name}.js`);
/** A page whose scripts never rest does not answer within this time, in seconds; one on a slow machine does. */
const ANSWER_LIMIT_S = 15;
/** A page that answers may take longer to be read, in seconds. The script that reads it ends by itself before. */
const READING_LIMIT_S = 30;
const LONGEST_TEXT = 200_000;
/** Levels of nesting that `page/reader.js` descends. */
const DEEPEST = 400;
const LONGEST_TITLE = 300;

/** Chrome's messages about a page that the extension may not read. */
const NOT_PERMITTED = /must request permission|Cannot access|activeTab/;

/** Addresses that no extension may read, and what the user is told about them. @type {[RegExp, MessageKey][]} */
const RESTRICTED = [
  [/^(chrome|edge|brave|about|devtools|chrome-search|chrome-untrusted):/, "page_restricted_browser"],
  [/^chrome-extension:/, "page_restricted_extension"],
  [/^view-source:/, "page_restricted_source"],
  [/^https:\/\/(chromewebstore\.google\.com|chrome\.google\.com\/webstore)(\/|$)/, "page_restricted_store"],
];

/**
 * The text of a tab's page.
 * @param {chrome.tabs.Tab} tab
 * @param {boolean} [isGranted]  The user has just pointed at this page: what is refused now is refused for good.
 * @returns {Promise<PageText>}
 */
export async function readPage(tab, isGranted = false) {
  await inject(tab, isGranted, { func: () => true }, ANSWER_LIMIT_S);
  const [read] = await inject(tab, isGranted, { files: READER }, READING_LIMIT_S);
  const page = checked(read);
  if (read?.type === "application/pdf") throw unreadable("page_pdf", "page_pdf_hint");
  if (page.text) return page;
  throw new UserError("invalid_request", text("page_no_text"), page.missing ?? text("page_no_text_hint"));
}

/**
 * What is selected in a tab.
 * @param {chrome.tabs.Tab} tab
 * @param {boolean} [isGranted]
 * @returns {Promise<PageText>}
 */
export async function readSelection(tab, isGranted = false) {
  const frames = await inject(tab, isGranted, { allFrames: true, files: ["page/read-selection.js"] }, ANSWER_LIMIT_S);
  const selected = frames.map(checked).find((page) => page.text.trim());
  // A frame may be another site's; what the user sees is the page around it.
  if (selected) return { ...selected, title: checked(frames[0]).title, url: checked(frames[0]).url };
  throw new UserError("invalid_request", text("page_nothing_selected"), text("page_select_text"));
}

/**
 * A page that the user has agreed to, and no other: the tab may have gone elsewhere, or another one may be shown by
 * now.
 * @param {string} agreed  Its {@link pageName}.
 * @param {(tab: chrome.tabs.Tab) => Promise<PageText>} read
 * @returns {Promise<PageText>}
 */
export async function readAgreed(agreed, read) {
  const tab = await chrome.tabs.get(Number.parseInt(agreed, 10)).catch(() => undefined);
  if (tab?.active && pageName(tab) === agreed) {
    const page = await read(tab);
    if (pageName({ id: tab.id, url: page.url }) === agreed) return page;
  }
  // The model reads this, and no user.
  throw new UserError(
    "invalid_request",
    "Another page is shown than the one that the user allowed to be read. Nothing of it was read.",
    "Call again, so that the user is asked about this one.",
  );
}

/**
 * What of a tab is in view.
 * @param {chrome.tabs.Tab} tab
 * @param {boolean} [isGranted]
 * @returns {Promise<{image: string, page: PageText}>}  The image is a PNG as a `data:` URL, and the page has no text.
 */
export async function captureTab(tab, isGranted = false) {
  try {
    const image = await chrome.tabs.captureVisibleTab(tab.windowId, { format: "png" });
    return { image, page: checked({ title: tab.title, address: tab.url }) };
  } catch (error) {
    throw await refusal(tab, isGranted, String(error));
  }
}

/**
 * The tab that a window shows.
 * @param {number} [window]  Undefined: the one that was used last.
 * @returns {Promise<chrome.tabs.Tab>}
 */
export async function shownTab(window) {
  const where = window === undefined ? { lastFocusedWindow: true } : { windowId: window };
  const [tab] = await chrome.tabs.query({ active: true, ...where });
  if (tab?.id !== undefined) return tab;
  throw new UserError("invalid_request", text("page_none_shown"), text("page_open_first"));
}

/**
 * @param {chrome.tabs.Tab} tab
 * @param {boolean} isGranted
 * @param {{allFrames?: boolean, files: string[]} | {func: () => boolean}} script
 * @param {number} limit  In seconds.
 * @returns {Promise<any[]>}  What it gave (of several files, the last) in each frame, the page itself first.
 */
async function inject(tab, isGranted, script, limit) {
  const { id: tabId = -1, url = "" } = tab;
  if (RESTRICTED.some(([pattern]) => pattern.test(url))) throw await refusal(tab, isGranted, "");
  const { allFrames = false, ...what } = "files" in script ? script : { ...script, allFrames: false };
  const late = () => new UserError("timeout", text("page_not_responding"), text("page_reload"));
  try {
    // Some pages never finish loading.
    const injection = { target: { tabId, allFrames }, injectImmediately: true, ...what };
    const reading = execute(injection, isGranted ? GRANT_DELAYS_MS : []);
    const frames = await within(reading, limit, late);
    return frames.toSorted((one, other) => one.frameId - other.frameId).map(({ result }) => result);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw await refusal(tab, isGranted, String(error));
  }
}

/**
 * @param {chrome.scripting.ScriptInjection<[], unknown>} injection
 * @param {number[]} delays  In milliseconds, before each further try where the page is not open to the extension yet.
 * @returns {Promise<chrome.scripting.InjectionResult[]>}
 */
async function execute(injection, [delay, ...later]) {
  try {
    return await chrome.scripting.executeScript(injection);
  } catch (error) {
    if (delay === undefined || !NOT_PERMITTED.test(String(error))) throw error;
    await new Promise((resolve) => setTimeout(resolve, delay));
    return execute(injection, later);
  }
}

/**
 * What came out of a page, as it should be. A page's process may have been taken over.
 * @param {any} read
 * @returns {PageText}
 */
function checked(read) {
  const cut = (/** @type {unknown} */ value, /** @type {number} */ length) =>
    typeof value === "string" ? value.slice(0, length).toWellFormed() : "";
  const url = publicAddress(cut(read?.address, LONGEST_TEXT));
  const language = /^[\w-]{2,35}$/.exec(cut(read?.language, 100))?.[0];
  const missing = missingOf(read);
  return {
    title: cut(read?.title, LONGEST_TITLE).replace(/\s+/g, " ").trim() || url,
    url,
    ...(language ? { language } : {}),
    text: cut(read?.text, LONGEST_TEXT).trim(),
    is_whole: missing === "",
    ...(missing ? { missing } : {}),
  };
}

/** Why a page was not read whole, by the names that `page/read-page.js` gives. @type {Record<string, MessageKey>} */
const REASONS = {
  cut: "page_missing_cut",
  slow: "page_missing_slow",
  failed: "page_missing_failed",
  deep: "page_missing_deep",
  loading: "page_missing_loading",
  more: "page_missing_more",
  pages: "page_missing_pages",
  virtual: "page_missing_virtual",
  folded: "page_missing_folded",
  paywall: "page_missing_paywall",
  typed: "page_missing_typed",
  frames: "page_missing_frames",
  canvas: "page_missing_canvas",
  consent: "page_missing_consent",
  transcript: "page_missing_transcript",
};
/** The numbers in some of these texts. @type {Record<string, number>} */
const NUMBERS = { cut: LONGEST_TEXT, deep: DEEPEST };

/**
 * What the user and the model read about a page that was not read whole.
 * @param {any} read  What came out of the page.
 * @returns {string}  "" when all of it was read.
 */
export function missingOf(read) {
  const names = Array.isArray(read?.missing) ? read.missing : [];
  const hosts = namedHosts(read?.hosts);
  const reasons = Object.entries(REASONS)
    .filter(([name]) => names.includes(name))
    .map(([name, key]) => {
      if (name === "frames" && hosts.length > 0) return text("page_missing_frames_named", list(hosts));
      return name in NUMBERS ? text(key, NUMBERS[name]) : text(key);
    });
  return reasons.length > 0 ? text("page_partly_read", reasons.join(" ")) : "";
}

/** The first hosts of frames that were not read. @param {unknown} hosts @returns {string[]} */
function namedHosts(hosts) {
  const all = Array.isArray(hosts) ? hosts : [];
  return all.filter((host) => typeof host === "string" && /^[\w.-]{1,80}$/.test(host)).slice(0, 3);
}

/** @param {MessageKey} message @param {MessageKey} [hint] */
function unreadable(message, hint = "page_restricted_hint") {
  return new UserError("unsupported", text(message), text(hint));
}

/**
 * Why a tab's page was not read, as a sentence for the user.
 * @param {chrome.tabs.Tab} tab
 * @param {boolean} isGranted
 * @param {string} reason  Chrome's.
 */
async function refusal({ id = -1, windowId, url = "" }, isGranted, reason) {
  const restricted = RESTRICTED.find(([pattern]) => pattern.test(url))?.[1];
  if (restricted) return unreadable(restricted);
  if (/extensions gallery/.test(reason)) return unreadable("page_restricted_store");
  if (/showing error page/.test(reason)) return unreadable("page_not_loaded", "page_reload");
  if (/ExtensionsSettings policy|blocked by the administrator/i.test(reason)) {
    return unreadable("page_blocked_by_policy");
  }
  const [, scheme] =
    /cannot access (?:a |contents of (?:the )?url "?)?(chrome|devtools|edge|brave)[-\w]*:/i.exec(reason) ?? [];
  if (scheme) return unreadable("page_restricted_browser");
  if (/chrome-extension:/.test(reason)) return unreadable("page_restricted_extension");
  if (NOT_PERMITTED.test(reason)) {
    if (isGranted || /^(file|data|blob):/.test(url)) {
      return unreadable("page_closed", "page_closed_hint");
    }
    await chrome.storage.session.set({ [refusedIn(windowId)]: id });
    requestAccess(id);
    return new UserError("permission", text("page_no_permission"), await howToPermit());
  }
  logError("A page was not read:", reason);
  return new UserError("internal", text("page_unreadable"), text("page_reload"));
}

/**
 * What gives Sidestream permission to read one page. A click in the panel does not.
 * @returns {Promise<string>}
 */
async function howToPermit() {
  const commands = await chrome.commands.getAll();
  const shortcut = commands.find(({ name }) => name === ATTACH_PAGE)?.shortcut;
  return shortcut ? text("page_click_icon_or_press", shortcut) : text("page_click_icon");
}

/**
 * Whether a click on the extension's icon was asked for in a tab, since its page could not be read. It is asked for
 * once.
 * @param {chrome.tabs.Tab} tab
 */
export async function isClickAwaited({ id, windowId }) {
  const key = refusedIn(windowId);
  const { [key]: refused } = await chrome.storage.session.get(key);
  await chrome.storage.session.remove(key);
  return refused !== undefined && refused === id;
}

/** The key under which the tab of a window is stored that could not be read last. @param {number} window */
const refusedIn = (window) => `refused:${window}`;

/** Chrome's toolbar offers the permission, in versions that can do so. @param {number} tabId */
function requestAccess(tabId) {
  chrome.permissions.addHostAccessRequest?.({ tabId }).catch(() => {
    // There is no such page, or the user has turned such offers off. The panel names the other ways.
  });
}
