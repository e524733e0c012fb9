/** Reads the page that a tab shows, as far as the user has let Sidestream. Nothing in the page is changed. */

import { pageName, publicAddress } from "../../shared/address.js";
import { UserError } from "../../shared/errors.js";
import { logError } from "../../shared/log.js";
import { within } from "./patience.js";

/** @import { PageText } from "../../shared/protocol.js" */

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
const LONGEST_TITLE = 300;

/** Chrome's messages about a page that the extension may not read. */
const NOT_PERMITTED = /must request permission|Cannot access|activeTab/;

/** Addresses that no extension may read, and what they are. @type {[RegExp, string][]} */
const RESTRICTED = [
  [/^(chrome|edge|brave|about|devtools|chrome-search|chrome-untrusted):/, "This is a page of the browser itself"],
  [/^chrome-extension:/, "This is a page of an extension"],
  [/^view-source:/, "This is the source text of a page"],
  [/^https:\/\/(chromewebstore\.google\.com|chrome\.google\.com\/webstore)(\/|$)/, "This is the Chrome Web Store"],
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
  if (read?.type === "application/pdf") throw unreadable("This is a PDF file in the browser's viewer", PDF_HINT);
  if (page.text) return page;
  throw new UserError(
    "invalid_request",
    "There is no text on this page.",
    page.missing ?? "It may still be loading, or hold pictures alone.",
  );
}

/**
 * What is selected in a tab.
 * @param {chrome.tabs.Tab} tab
 * @param {boolean} [isGranted]
 * @returns {Promise<PageText>}
 */
export async function readSelection(tab, isGranted = false) {
  const frames = await inject(tab, isGranted, { allFrames: true, files: ["page/read-selection.js"] }, ANSWER_LIMIT_S);
  const selected = frames.map(checked).find(({ text }) => text.trim());
  // A frame may be another site's; what the user sees is the page around it.
  if (selected) return { ...selected, title: checked(frames[0]).title, url: checked(frames[0]).url };
  throw new UserError(
    "invalid_request",
    "Nothing is selected on this page.",
    "Select some of its text, then try again.",
  );
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
  throw new UserError("invalid_request", "No page is shown in this window.", "Open one, then try again.");
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
  const late = () =>
    new UserError(
      "timeout",
      "The page does not answer.",
      "Load it again, then try again. The source text of a page (view-source:) cannot be read.",
    );
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
  const text = (/** @type {unknown} */ value, /** @type {number} */ length) =>
    typeof value === "string" ? value.slice(0, length).toWellFormed() : "";
  const url = publicAddress(text(read?.address, LONGEST_TEXT));
  const language = /^[\w-]{2,35}$/.exec(text(read?.language, 100))?.[0];
  const missing = missingOf(read);
  return {
    title: text(read?.title, LONGEST_TITLE).replace(/\s+/g, " ").trim() || url,
    url,
    ...(language ? { language } : {}),
    text: text(read?.text, LONGEST_TEXT).trim(),
    is_whole: missing === "",
    ...(missing ? { missing } : {}),
  };
}

/** Why a page was not read whole, by the names that `page/read-page.js` gives. */
const REASONS = /** @type {Record<string, string>} */ ({
  cut: "the text was cut after 200,000 characters",
  slow: "reading it took too long and was ended",
  failed: "reading it failed in the middle",
  deep: "what is nested more than 400 levels deep was left out",
  loading: "it was still loading",
  more: "more is loaded only on request, or is folded (“Load more”, “Show replies” and the like)",
  pages: "it is one of several pages, and the others were not read",
  virtual: "a list on it holds only the entries near what is in view, and the others were not read",
  folded: "folded parts or tabs of it are not shown, and were not read",
  paywall: "the rest is for subscribers, or for those who sign in",
  typed: "what is typed into its boxes is never read",
  frames: "frames of other sites in it cannot be read",
  canvas: "a part of it is drawn as a picture, without text",
  consent: "a question about cookies or consent covers it, and it may show its text only after an answer",
  transcript: "the transcript of its video is not open, and was not read",
});

/**
 * What the user and the model read about a page that was not read whole.
 * @param {any} read  What came out of the page.
 * @returns {string}  One sentence; "" when all of it was read.
 */
export function missingOf(read) {
  const names = Array.isArray(read?.missing) ? read.missing : [];
  const hosts = Array.isArray(read?.hosts) ? read.hosts : [];
  const named = hosts
    .filter((/** @type {unknown} */ host) => typeof host === "string" && /^[\w.-]{1,80}$/.test(host))
    .slice(0, 3);
  const reasons = Object.entries(REASONS)
    .filter(([name]) => names.includes(name))
    .map(([name, words]) => (name === "frames" && named.length > 0 ? `${words} (${named.join(", ")})` : words));
  return reasons.length > 0 ? `Only a part of this was read: ${reasons.join("; ")}.` : "";
}

const PDF_HINT = "Copy the text that you want to ask about and paste it into your message.";

/** @param {string} what @param {string} [hint] */
function unreadable(what, hint) {
  return new UserError("unsupported", `${what}: it cannot be read.`, hint ?? "The browser lets no extension read it.");
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
  if (/extensions gallery/.test(reason)) return unreadable("This is the Chrome Web Store");
  if (/showing error page/.test(reason))
    return unreadable("This page could not be loaded", "Load it again, then try again.");
  if (/ExtensionsSettings policy|blocked by the administrator/i.test(reason)) {
    return unreadable("Your organisation keeps extensions out of this page");
  }
  const [, scheme] =
    /cannot access (?:a |contents of (?:the )?url "?)?(chrome|devtools|edge|brave)[-\w]*:/i.exec(reason) ?? [];
  if (scheme) return unreadable("This is a page of the browser itself");
  if (/chrome-extension:/.test(reason)) return unreadable("This is a page of an extension");
  if (NOT_PERMITTED.test(reason)) {
    if (isGranted || /^(file|data|blob):/.test(url)) {
      return unreadable(
        "This page is closed to extensions",
        'For a file of this computer, switch on "Allow access to file URLs" in Sidestream\'s details at chrome://extensions.',
      );
    }
    await chrome.storage.session.set({ [refusedIn(windowId)]: id });
    offerLeave(id);
    return new UserError("permission", "Sidestream may not read this page yet.", await howToLetIn());
  }
  logError("A page was not read:", reason);
  return new UserError("internal", "The page could not be read.", "Load it again, then try again.");
}

/**
 * What gives Sidestream permission to read one page. A click in the panel does not.
 * @returns {Promise<string>}
 */
async function howToLetIn() {
  const commands = await chrome.commands.getAll();
  const shortcut = commands.find(({ name }) => name === ATTACH_PAGE)?.shortcut;
  const keys = shortcut ? `, or press ${shortcut},` : "";
  return `Click Sidestream's icon in the toolbar${keys} while the page is shown.`;
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

/** Where the tab is kept that was refused last. @param {number} window */
const refusedIn = (window) => `refused:${window}`;

/** The browser offers in its toolbar to let Sidestream in, where it can. @param {number} tabId */
function offerLeave(tabId) {
  chrome.permissions.addHostAccessRequest?.({ tabId }).catch(() => {
    // There is no such page, or the user wants no such offers. The panel says what else can be done.
  });
}
