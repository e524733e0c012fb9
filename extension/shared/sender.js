/**
 * Who has sent a message of this extension. Web pages cannot send any; another extension, or a script of this one in a
 * web page, whose process may have been taken over, is not listened to.
 */

/** @typedef {chrome.runtime.MessageSender | undefined} Sender */

/**
 * Whether it was a page of the extension. The browser's own process writes the origin; the address beside it could once
 * be chosen by a web page's process that had been taken over.
 * @param {Sender} sender
 */
export function isOwnPage(sender) {
  const base = chrome.runtime.getURL("");
  return sender?.id === chrome.runtime.id && `${sender.origin}/` === base && Boolean(sender.url?.startsWith(base));
}

/**
 * Whether it was the extension's worker. Chrome gives it no origin, and every page and script has one.
 * @param {Sender} sender
 */
export function isWorker(sender) {
  const worker = chrome.runtime.getURL("service_worker.js");
  return sender?.id === chrome.runtime.id && sender.origin === undefined && !sender.tab && sender.url === worker;
}
