/** Who has sent a message of this extension. */

/**
 * Whether it was a page of the extension, or its worker. Web pages cannot send any; another extension, or a script of this one in a web page,
 * whose process may have been taken over, is not listened to.
 * @param {chrome.runtime.MessageSender | undefined} sender
 */
export function isOwn(sender) {
  return sender?.id === chrome.runtime.id && Boolean(sender.url?.startsWith(chrome.runtime.getURL("")));
}
